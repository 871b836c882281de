"""Every rule, through the engine's own messages and proxies."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

import pytest
from pulumi_policy import deserialize

from policies.config import Parameters
from policies.rules import RULES
from tests.policies.cases import (
    closed_list,
    documents,
    identity,
    ingress,
    network,
    tags_secrets_structure,
)
from tests.policies.pack_server import UNKNOWN, FakeResource, PackFinding, PackServer, secret
from tests.policies.passing_stack import ALL
from tests.policies.rule_case import Case, Subject
from tests.slices import EVERYTHING

Json = Any
"""A property, which may have any type."""
Path = tuple[Any, ...]
UNKNOWN_SLICE, SECRET_SLICE = 4, 15
"""In `make test`, an unknown value or a secret replaces every so many value of a stack."""
CASES = (
    *closed_list.CASES,
    *network.CASES,
    *ingress.CASES,
    *documents.CASES,
    *identity.CASES,
    *tags_secrets_structure.CASES,
)
BAD_CASES = [case for case in CASES if case.findings]
SECRETS = (
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hunter2hunter2hunter2hunter2",
    "-Pa55w0rd!-",
)


@lru_cache
def server(parameters: Parameters, rule: str) -> PackServer:
    return PackServer(parameters, only=rule)


def check(case: Case, subject: Subject | None = None) -> list[PackFinding]:
    """The findings of the case's rule on *subject*, by default the case's own."""
    rule_server = server(case.parameters, case.rule)
    subject = case.subject if subject is None else subject
    if isinstance(subject, FakeResource):
        return [*rule_server.check_resource(subject), *rule_server.check_stack(())]
    return rule_server.check_stack(subject)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_rule_finds_every_problem_and_nothing_else(case: Case) -> None:
    violations = check(case)
    assert [violation.rule for violation in violations] == [case.rule] * case.findings
    assert not any(violation.undecided for violation in violations)


def test_every_rule_has_a_bad_and_a_good_case() -> None:
    covered = {(case.rule, bool(case.findings)) for case in CASES}
    assert covered == {(rule.id, is_bad) for rule in RULES for is_bad in (True, False)}


def test_case_names_are_unique() -> None:
    ids = [case.id for case in CASES]
    assert sorted(set(ids)) == sorted(ids)


def leaves(value: Json, path: Path = ()) -> Iterator[Path]:
    """The path to every single value."""
    if isinstance(value, dict) and deserialize.SPECIAL_SIG_KEY not in value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
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


def with_each_value_replaced(subject: Subject, new: Json) -> Iterator[Subject]:
    """The subject with *new* instead of one value, for each of its values."""
    if isinstance(subject, FakeResource):
        for path in leaves(subject.props):
            yield replace(subject, props=put(subject.props, path, new))
        return
    for changed_index, resource in enumerate(subject):
        for path in leaves(resource.props):
            changed = replace(resource, props=put(resource.props, path, new))
            yield tuple(
                changed
                if index == changed_index
                else with_dependency_replaced(other, resource, changed)
                for index, other in enumerate(subject)
            )


def tried(case: Case, new: Json, step: int) -> Iterator[Subject]:
    """The case's subject with *new* instead of one value: every *step*th of a stack.

    Each case starts at another value, so that all cases together try more of them.
    """
    is_whole = EVERYTHING or isinstance(case.subject, FakeResource)
    start, step = (0, 1) if is_whole else (CASES.index(case) % step, step)
    return islice(with_each_value_replaced(case.subject, new), start, None, step)


def with_dependency_replaced(
    resource: FakeResource, old: FakeResource, new: FakeResource
) -> FakeResource:
    def replaced(dependencies: Sequence[FakeResource]) -> list[FakeResource]:
        return [new if dependency is old else dependency for dependency in dependencies]

    return replace(
        resource,
        dependencies={key: replaced(urns) for key, urns in resource.dependencies.items()},
    )


@pytest.mark.parametrize("case", BAD_CASES, ids=lambda case: case.id)
@pytest.mark.proof
def test_an_unknown_value_hides_no_finding(case: Case) -> None:
    """With any value unknown, the rule has a finding or says that it cannot decide."""
    silent = [
        subject for subject in tried(case, UNKNOWN, UNKNOWN_SLICE) if not check(case, subject)
    ]
    assert silent == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.proof
def test_no_message_holds_a_secret(case: Case) -> None:
    is_resource = isinstance(case.subject, FakeResource)
    for text in SECRETS if is_resource else SECRETS[:1]:
        for value in (text, secret(text)):
            for subject in tried(case, value, SECRET_SLICE):
                assert not any(text in violation.message for violation in check(case, subject))


def test_no_message_holds_a_secret_from_inside_a_document() -> None:
    for case in documents.CASES:
        if not isinstance(case.subject, FakeResource):
            continue
        text = case.subject.props.get("policy", "")
        if not text.startswith("{"):
            continue
        content = json.loads(text)
        for path in leaves(content):
            changed = case.subject.having(policy=json.dumps(put(content, path, SECRETS[0])))
            assert not any(SECRETS[0] in violation.message for violation in check(case, changed))


def test_the_small_copy_of_the_programs_stack_passes_every_rule() -> None:
    violations = PackServer().check_all(ALL)
    assert [
        violation for violation in violations if violation.mandatory or violation.undecided
    ] == []
