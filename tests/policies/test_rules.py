"""Every rule, through the engine's own messages and proxies."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from pulumi_policy import deserialize

from policies.config import Parameters
from policies.rules import RULES
from tests.policies.case import Case
from tests.policies.cases import documents, identity, ingress, network, rest
from tests.policies.good_stack import ALL
from tests.policies.view import UNKNOWN, Made, Said, View, secret

Json = Any
"""A property, which may be anything; the linter's rule against Any has nothing better for it."""
Path = tuple[Any, ...]
CASES = (
    *network.CASES,
    *ingress.CASES,
    *documents.CASES,
    *identity.CASES,
    *rest.CASES,
)
BAD = [case for case in CASES if case.findings]
SECRETS = (
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hunter2hunter2hunter2hunter2",
    "-Pa55w0rd!-",
)


@lru_cache
def view(parameters: Parameters, rule: str) -> View:
    return View(parameters, only=rule)


def said(case: Case, seen: Made | Sequence[Made] | None = None) -> list[Said]:
    one = view(case.parameters, case.rule)
    seen = case.seen if seen is None else seen
    return one.of_resource(seen) if isinstance(seen, Made) else one.of_stack(seen)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_rule_finds_what_is_wrong_and_nothing_else(case: Case) -> None:
    found = said(case)
    assert [one.rule for one in found] == [case.rule] * case.findings, found
    assert not any(one.undecided for one in found)


def test_every_rule_has_a_bad_and_a_good_case() -> None:
    seen = {(case.rule, bool(case.findings)) for case in CASES}
    assert seen == {(rule.id, bad) for rule in RULES for bad in (True, False)}


def test_case_names_are_unique() -> None:
    ids = [case.id for case in CASES]
    assert sorted(set(ids)) == sorted(ids)


def leaves(value: Json, path: Path = ()) -> Iterator[Path]:
    """The path to every single value."""
    if isinstance(value, dict) and deserialize.SPECIAL_SIG_KEY not in value:
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))
    else:
        yield path


def put(value: Json, path: Path, new: Json) -> Json:
    """A copy of *value* with *new* at *path*."""
    if not path:
        return new
    first, *further = path
    copy: Json = {**value} if isinstance(value, dict) else [*value]
    copy[first] = put(value[first], tuple(further), new)
    return copy


def spoilt(case: Case, new: Json) -> Iterator[Made | Sequence[Made]]:
    """The case's input, with *new* in place of one value after the other."""
    if isinstance(case.seen, Made):
        for path in leaves(case.seen.props):
            yield replace(case.seen, props=put(case.seen.props, path, new))
        return
    for index, made in enumerate(case.seen):
        for path in leaves(made.props):
            changed = replace(made, props=put(made.props, path, new))
            yield tuple(
                _rewired(one, made, changed) if at != index else changed
                for at, one in enumerate(case.seen)
            )


def _rewired(one: Made, old: Made, new: Made) -> Made:
    wires = {key: [new if it is old else it for it in them] for key, them in one.wires.items()}
    return replace(one, wires=wires)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.id)
@pytest.mark.proof
def test_an_unknown_value_hides_no_finding(case: Case) -> None:
    """Whatever a preview does not know: the finding stays, or the rule says it cannot decide."""
    silent = [seen for seen in spoilt(case, UNKNOWN) if not said(case, seen)]
    assert silent == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.proof
def test_no_message_holds_a_secret(case: Case) -> None:
    whole_stack = not isinstance(case.seen, Made)
    for canary in SECRETS[:1] if whole_stack else SECRETS:
        for new in (canary, secret(canary)):
            for seen in spoilt(case, new):
                assert not [one for one in said(case, seen) if canary in one.message]


def test_a_document_with_a_secret_in_each_place_is_never_repeated() -> None:
    for case in documents.CASES:
        assert isinstance(case.seen, Made)
        text = case.seen.props.get("policy", "")
        if not text.startswith("{"):
            continue
        content = json.loads(text)
        for path in leaves(content):
            hidden = case.seen.having(policy=json.dumps(put(content, path, SECRETS[0])))
            assert not [one for one in said(case, hidden) if SECRETS[0] in one.message]


def test_the_programs_own_stack_in_small_passes_every_rule() -> None:
    assert [one for one in View().of_all(ALL) if one.mandatory or one.undecided] == []
