"""The claims: sentences about all requests, in YAML, in the words of the contract's rows.

- `can`: every such request is allowed, and there is one; `row` names a row of the contract that is
  one.
- `cannot`: no such request is allowed, except those of `unless`. `held_by` names what prevents it:
  the policy alone; the boundary alone, with AdministratorAccess attached; both of them, each for
  itself; or a denial of the boundary, which also stops what a resource policy allows.

A group of requests has `do` (actions), `to` (resources), `as` (callers) and `with` (condition
keys). An element that it does not name is left open: any action, any resource, any key, present or
absent.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, Literal, cast

from sandbox.permissions import table

FOLDER: Final = Path(__file__).parent
HOLES: Final = "expected-to-fail.yaml"
CLAIM_KEYS: Final = {
    "claim",
    "sentence",
    "who",
    "can",
    "cannot",
    "unless",
    "held_by",
    "row",
    "given",
    "except_given",
    "resource_policy",
    "hole",
}
REQUEST_KEYS: Final = {"do", "not_do", "to", "not_to", "as", "with"}
Holder = Literal["policy", "boundary", "denial", "together"]
Values = Mapping[str, str | Sequence[str]]
"""The value of each placeholder; several values stand for several patterns."""
Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence about all requests of one identity."""

    name: str
    sentence: str
    """A sentence of docs/permissions.md; that of a denial begins with "Deny"."""
    who: str
    kind: Literal["can", "cannot"]
    requests: Mapping[str, Any]
    unless: Sequence[Mapping[str, Any]] = ()
    held_by: tuple[Holder, ...] = ()
    row: str = ""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The settings with which the claim is made, as far as they differ from the defaults."""
    except_given: Sequence[Mapping[str, Any]] = ()
    """Groups of settings; with each of them the claim is not made."""
    resource_policy: str = ""
    hole: str = ""
    """Why the claim does not hold yet; "" if it must."""

    @property
    def needs_own_boundary(self) -> bool:
        """Whether it holds against policies that somebody attaches only by the program's boundary.

        Under the organization's boundary it holds as long as nobody attaches another policy.
        """
        return "boundary" in self.held_by

    def is_about(self, given: Mapping[str, Any]) -> bool:
        """Whether the claim is made for a stack with the settings *given*."""
        excepted = any(group.items() <= given.items() for group in self.except_given)
        return self.given.items() <= given.items() and not excepted


def claims() -> tuple[Claim, ...]:
    """Every claim that must hold."""
    files = sorted(FOLDER.glob("[0-9]-*.yaml"))
    return tuple(claim for file in files for claim in _read(file))


def expected_to_fail() -> tuple[Claim, ...]:
    """The claims that do not hold yet; to close a hole, move its claim to the others."""
    return _read(FOLDER / HOLES)


@cache
def _read(file: Path) -> tuple[Claim, ...]:
    raw_claims = cast("list[dict[str, Any]]", table.load(file) or [])
    return tuple(_claim(raw, file.name) for raw in raw_claims if "claim" in raw)


def _claim(raw: Mapping[str, Any], file: str) -> Claim:
    where = f"{file}: {raw['claim']}"
    kind: Literal["can", "cannot"] = "can" if "can" in raw else "cannot"
    groups = [raw[kind], *_groups(raw.get("unless", []))]
    unknown = (raw.keys() - CLAIM_KEYS).union(*(group.keys() - REQUEST_KEYS for group in groups))
    if unknown:
        raise table.unknown_keys(where, unknown, CLAIM_KEYS | REQUEST_KEYS)
    if (file == HOLES) != ("hole" in raw):
        raise table.TableError(
            f"{where}: {HOLES} holds the claims with a hole, and no others; move it"
        )
    return Claim(
        name=raw["claim"],
        sentence=" ".join(raw["sentence"].split()),
        who=raw["who"],
        kind=kind,
        requests=groups[0],
        unless=groups[1:],
        held_by=_holders(raw, kind, where),
        row=raw.get("row", ""),
        given=raw.get("given", {}),
        except_given=_groups(raw.get("except_given", [])),
        resource_policy=raw.get("resource_policy", ""),
        hole=" ".join(raw.get("hole", "").split()),
    )


def _groups(raw: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - a mapping or a list of them
    return cast("list[Mapping[str, Any]]", raw if isinstance(raw, list) else [raw])


def _holders(raw: Mapping[str, Any], kind: str, where: str) -> tuple[Holder, ...]:
    if kind == "can":
        return ("together",)
    holders: Mapping[str, tuple[Holder, ...]] = {
        "policy": ("policy",),
        "boundary": ("boundary",),
        "denial": ("denial",),
        "both": ("policy", "boundary"),
        "policy and denial": ("policy", "denial"),
        "together": ("together",),
    }
    if raw.get("held_by") not in holders:
        raise table.TableError(
            f"{where}: held_by = {raw.get('held_by')}: is not valid; use {', '.join(holders)}"
        )
    return holders[raw["held_by"]]


# Requests as statements: the encoding of documents then applies to claims too.


def statement(requests: Mapping[str, Any], values: Values) -> Statement:
    """The group *requests* as a statement that matches it.

    Raises:
        TableError: a placeholder has no value, or a test is not valid.
    """
    elements: dict[str, Any] = {}
    names = {"do": "Action", "not_do": "NotAction", "to": "Resource", "not_to": "NotResource"}
    for key, element in names.items():
        if key in requests:
            elements[element] = expand(requests[key], values)
    if "as" in requests:
        elements["Principal"] = {"AWS": expand(requests["as"], values)}
    if not elements.keys() & {"Action", "NotAction"}:
        elements["Action"] = ["*"]
    if not elements.keys() & {"Resource", "NotResource"}:
        elements["Resource"] = ["*"]
    condition: dict[str, dict[str, list[str]]] = {}
    for key, test in requests.get("with", {}).items():
        for operator, wanted in _tests(test, values):
            condition.setdefault(operator, {})[expand(key, values)[0]] = wanted
    return {**elements, "Condition": condition}


def _tests(test: Any, values: Values) -> Iterator[tuple[str, list[str]]]:  # noqa: ANN401 - YAML
    """The lines of a Condition block that *test* stands for."""
    if test is None:
        yield "Null", ["true"]
    elif isinstance(test, Mapping):
        for name, wanted in cast("Mapping[str, Any]", test).items():
            yield from _named_test(name, wanted, values)
    else:
        wanted = expand(test, values)
        yield ("ArnLike" if _are_arns(wanted) else "StringLike"), wanted


def _named_test(name: str, raw: Any, values: Values) -> Iterator[tuple[str, list[str]]]:  # noqa: ANN401
    wanted = expand(raw, values)
    operators = {
        "has": "ForAnyValue:StringEquals",
        "only": "ForAllValues:StringEquals",
        "above": "NumericGreaterThan",
        "below": "NumericLessThan",
        "at_most": "NumericLessThanEquals",
        "at_least": "NumericGreaterThanEquals",
        "equals": "StringEquals",
        "is": "Bool",
    }
    if name == "not":  # present, but another value
        yield "Null", ["false"]
        yield ("ArnNotLike" if _are_arns(wanted) else "StringNotLike"), wanted
    elif name == "absent_or":
        yield ("ArnLike" if _are_arns(wanted) else "StringLike") + "IfExists", wanted
    elif name == "absent_or_at_most":
        yield "NumericLessThanEqualsIfExists", wanted
    elif name == "present":
        yield "Null", ["false" if wanted == ["true"] else "true"]
    elif name in operators:
        yield operators[name], wanted
    else:
        raise table.TableError(f"{name}: is not a test; use {', '.join(operators)}")


def _are_arns(wanted: Sequence[str]) -> bool:
    return all(value.startswith("arn:") for value in wanted)


def expand(raw: Any, values: Values) -> list[str]:  # noqa: ANN401 - a text or a list of texts
    """*raw* with the placeholders filled in, once for each combination of their values.

    Raises:
        TableError: a placeholder has no value.
    """
    if isinstance(raw, list):
        return [text for item in cast("list[Any]", raw) for text in expand(item, values)]
    if isinstance(raw, bool):
        return ["true" if raw else "false"]
    text = str(raw)
    names = [name for name in _identifiers(text) if name in values]
    choices = [
        [value] if isinstance(value, str) else list(value)
        for value in (values[name] for name in names)
    ]
    try:
        return [
            Template(text).substitute(dict(zip(names, chosen, strict=True)))
            for chosen in itertools.product(*choices)
        ]
    except (KeyError, ValueError) as error:
        raise table.no_placeholder(raw, error) from None


@cache
def _identifiers(text: str) -> tuple[str, ...]:
    """The placeholders in *text*."""
    return tuple(Template(text).get_identifiers())
