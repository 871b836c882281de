"""Weakens or tightens documents by every possible single edit."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.iam.evaluator import Document, Values, many
from tests.infra.permissions.statement_reach import is_shadowed, same_reach

Statement = Mapping[str, Any]
ARN_PARTS: Final = 6
REGION, ACCOUNT, RESOURCE = 3, 4, 5
NEGATED: Final = ("StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike")
OPPOSITE: Final = {"true": "false", "false": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMutant:
    """A document with one statement replaced, or removed where *statement* is None."""

    document: str
    number: int
    sid: str
    change: str
    before: Statement
    statement: Statement | None

    def is_equivalent(self, document: Document) -> bool:
        """Whether no request can show a difference, by AWS's reference.

        The mutant matches the same actions and resource types, or *document* denies the others.
        """
        if self.statement is None or " without " in self.change:
            return False
        if self.change.startswith("Action ") and is_shadowed(document, self.number, self.statement):
            return True
        wider = re.match(r"(Not)?Action |Resource [^ ]*:\* for ", self.change)
        return wider is not None and same_reach(self.before, self.statement)

    def __str__(self) -> str:
        return f"{self.document}: {self.sid}: {self.change}"


def mutants(name: str, document: Document) -> Iterator[DocumentMutant]:
    """Every mutant of *document*, which is called *name*."""
    for number, statement in enumerate(document["Statement"]):
        seen = [statement]
        for change, mutated in _of(statement):
            if mutated not in seen:
                seen.append(mutated)
                yield DocumentMutant(
                    document=name,
                    number=number,
                    sid=statement["Sid"],
                    change=change,
                    before=statement,
                    statement=mutated,
                )


def _of(statement: Statement) -> Iterator[tuple[str, Statement | None]]:
    yield "without it", None
    for element in ("Action", "NotAction"):
        yield from _list(statement, element, _wider_actions)
    for element in ("Resource", "NotResource"):
        yield from _list(statement, element, wider_arns)
    yield from _principal(statement)
    yield from _condition(statement)


def _list(
    statement: Statement, element: str, wider: Callable[[str], Iterator[str]]
) -> Iterator[tuple[str, Statement]]:
    """The mutants that remove or widen one member of *element*."""
    if element not in statement:
        return
    members = list(many(statement[element]))
    for index, member in enumerate(members):
        rest = [*members[:index], *members[index + 1 :]]
        if rest:
            yield f"{element} without {member}", {**statement, element: rest}
        for wide in wider(member):
            if wide != member:
                changed = [*members[:index], wide, *members[index + 1 :]]
                yield f"{element} {wide} for {member}", {**statement, element: changed}


def _wider_actions(action: str) -> Iterator[str]:
    """Wider patterns: the verb's family (`ec2:Describe*`), the service, everything."""
    service, _, verb = action.partition(":")
    if not verb or action == "*":
        return
    second = next((index for index, letter in enumerate(verb[1:], 1) if letter.isupper()), None)
    if second:
        yield f"{service}:{verb[:second]}*"
    yield f"{service}:*"
    yield "*"


def wider_arns(arn: str) -> Iterator[str]:
    """Wider patterns: a star for the region, the account or the resource; everything."""
    if arn.startswith("arn:"):
        parts = arn.split(":", ARN_PARTS - 1)
        for index in (REGION, ACCOUNT, RESOURCE):
            if parts[index]:
                yield ":".join([*parts[:index], "*", *parts[index + 1 :]])
        kind, slash, rest = parts[RESOURCE].partition("/")
        if slash and rest != "*":
            yield ":".join([*parts[:RESOURCE], f"{kind}/*"])
            if not arn.endswith("*"):
                yield f"{arn}*"
    if arn != "*":
        yield "*"


def _principal(statement: Statement) -> Iterator[tuple[str, Statement]]:
    if "Principal" in statement:
        yield "Principal *", {**statement, "Principal": "*"}
        for kind in statement["Principal"]:
            yield f"Principal {kind} *", {**statement, "Principal": {kind: "*"}}


def _condition(statement: Statement) -> Iterator[tuple[str, Statement]]:
    condition: Mapping[str, Mapping[str, Values]] = statement.get("Condition", {})
    if not condition:
        return
    yield (
        "without Condition",
        {key: value for key, value in statement.items() if key != "Condition"},
    )
    for operator, tests in condition.items():
        for key, values in tests.items():
            rest = {
                name: {
                    other: value
                    for other, value in block.items()
                    if (name, other) != (operator, key)
                }
                for name, block in condition.items()
            }
            where = f"{operator} {key}"
            for change, more in _test(operator, key, values):
                merged = {
                    name: {**rest.get(name, {}), **more.get(name, {})} for name in {**rest, **more}
                }
                kept = {name: block for name, block in merged.items() if block}
                yield f"{where}: {change}", {**statement, "Condition": kept}


def _test(
    operator: str, key: str, values: Values
) -> Iterator[tuple[str, Mapping[str, Mapping[str, Values]]]]:
    """The mutants of one line of a Condition block."""
    yield "dropped", {}
    if operator in NEGATED:
        yield "only where the key is there", {operator: {key: values}, "Null": {key: "false"}}
    elif operator.endswith("IfExists"):
        yield "only where the key is there", {operator.removesuffix("IfExists"): {key: values}}
    elif operator != "Null" and not operator.startswith("ForA"):
        yield "also where the key is absent", {f"{operator}IfExists": {key: values}}
    for index, value in enumerate(many(values)):
        rest = [*many(values)[:index], *many(values)[index + 1 :]]
        if rest:
            yield f"without {value}", {operator: {key: rest}}
        for loose, wide in _wider_values(operator, value):
            if (loose, wide) == (operator, value):
                continue
            yield f"{wide} for {value}", {loose: {key: [*rest, wide]}}


def _wider_values(operator: str, value: str) -> Iterator[tuple[str, str]]:
    """Operators and values with which the line matches more often, or less often if negated."""
    if operator in {"Bool", "BoolIfExists", "Null"}:
        yield operator, OPPOSITE[value]
    elif operator.startswith("Numeric"):
        yield operator, str(float(value) / 2)
        yield operator, str(float(value) * 2)
    elif operator.startswith("Arn"):
        for wide in wider_arns(value):
            yield operator, wide
    else:
        like = operator.replace("Equals", "Like")
        yield like, "*"
        if not value.endswith("*"):
            yield like, f"{value}*"
        if "?" in value:
            yield like, value.replace("?", "")
        for cut in _shorter_patterns(value):
            yield like, cut


def _shorter_patterns(value: str) -> Sequence[str]:
    """Shorter patterns, such as `g5*` for `g5.*`."""
    return [value.replace(".*", "*")] if ".*" in value and not value.startswith("*") else []
