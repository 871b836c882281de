"""IAM policy documents, parsed in the same way as IAM does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, cast

from policies.grants import Condition, Denial, Keys

SID: Final = re.compile(r"[A-Za-z]{1,40}")
POSITIVE: Final = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool"}
)
"""Operators that do not match if the key is absent, so none that ends in IfExists."""
VERSION: Final = "2012-10-17"
EXCLUSIVE: Final = (
    {"Action", "NotAction"},
    {"Resource", "NotResource"},
    {"Principal", "NotPrincipal"},
)
ELEMENTS: Final = {"Sid", "Effect", "Condition"}.union(*EXCLUSIVE)
"""The elements of a statement; one of each exclusive pair."""
ACCOUNT: Final = re.compile(r":\d{12}:")


class InvalidDocumentError(ValueError):
    """The text is not a valid policy document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedStatement:
    """One statement. A single value is a tuple of one."""

    number: int
    sid: str
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    """Kind (`Service`, `AWS`, `Federated`, `*`, `Not` for NotPrincipal) and value."""
    conditions: Mapping[tuple[str, str], tuple[str, ...]]
    """Values by operator and key. Keys are in lower case, because IAM ignores their case."""

    @property
    def name(self) -> str:
        """The Sid if it is a plain word, else the number."""
        return self.sid if SID.fullmatch(self.sid) else f"statement {self.number}"

    def missing(self, keys: Keys) -> Iterator[str]:
        """The keys for which the statement requires no listed value.

        Only operators that fail if the key is absent count. A wildcard or a variable in a value
        matches the pattern of that value only if the pattern names it.
        """
        for key, pattern in keys.items():
            values = self.values(key)
            if not values or not all(re.fullmatch(pattern, value) for value in values):
                yield key

    def unlimited(self, limits: Iterable[Condition]) -> Iterator[str]:
        """The keys of the conditions that the statement lacks or has wider."""
        for limit in limits:
            if not any(
                _fits(limit, operator, key, values)
                for (operator, key), values in self.conditions.items()
            ):
                yield limit.key

    def values(self, key: str) -> tuple[str, ...]:
        """The values that *key* may have, by operators that fail if the key is absent."""
        return tuple(
            value
            for (operator, name), values in self.conditions.items()
            if name == key.lower() and operator in POSITIVE
            for value in values
        )

    def fulfils(self, denial: Denial) -> bool:
        """Whether it denies everything that *denial* requires, in every required case."""
        if self.allows or not (self.names(denial.action) and self.reaches(denial.on)):
            return False
        return all(
            any(_fits(condition, operator, key, values) for condition in denial.when)
            for (operator, key), values in self.conditions.items()
        )

    def names(self, action: str) -> bool:
        """Whether it applies to *action*."""
        if self.not_actions:
            return not _any_match(self.not_actions, action)
        return _any_match(self.actions, action)

    def reaches(self, resource: str) -> bool:
        """Whether it applies to the ARN *resource*; the account `account` means any account."""
        patterns = [ACCOUNT.sub(":account:", arn) for arn in self.not_resources or self.resources]
        matches = any(fnmatchcase(resource, pattern) for pattern in patterns)
        return matches != bool(self.not_resources)


def parse(raw: Any) -> tuple[ParsedStatement, ...]:  # noqa: ANN401 - text, or a mapping
    """Read a document.

    Raises:
        InvalidDocumentError: it is not a valid policy document.
    """
    try:
        content: Mapping[str, Any] = (
            json.loads(raw, object_pairs_hook=_distinct) if isinstance(raw, str) else raw
        )
        statements = _many({VERSION: content["Statement"]}[content["Version"]])
        return tuple(
            _statement(number, statement) for number, statement in enumerate(statements, start=1)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidDocumentError(
            f"is not a valid policy document of version {VERSION}"
        ) from None  # which may hold a secret


def _statement(number: int, raw: Mapping[str, Any]) -> ParsedStatement:
    if raw["Effect"] not in ("Allow", "Deny"):
        raise ValueError("the effect of a statement is Allow or Deny")
    if set(raw) - ELEMENTS or any(len(pair & set(raw)) > 1 for pair in EXCLUSIVE):
        raise ValueError("has elements that IAM does not accept in a statement")
    conditions: Mapping[str, Mapping[str, Any]] = raw.get("Condition") or {}
    return ParsedStatement(
        number=number,
        sid=str(raw.get("Sid", "")),
        allows=raw["Effect"] == "Allow",
        actions=_texts(raw.get("Action")),
        not_actions=_texts(raw.get("NotAction")),
        resources=_texts(raw.get("Resource")),
        not_resources=_texts(raw.get("NotResource")),
        principals=tuple(_principals(raw)),
        conditions={
            (operator, key.lower()): _texts(value)
            for operator, keys in conditions.items()
            for key, value in keys.items()
        },
    )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the document; a repeated name is an error, since parsers differ on it."""
    if len({name.lower() for name, _ in pairs}) != len(pairs):
        raise ValueError("has the same name twice")
    return dict(pairs)


def _principals(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "NotPrincipal" in raw:
        yield "Not", "*"
    principal: str | Mapping[str, Any] = raw.get("Principal") or {}
    if isinstance(principal, str):
        yield "*", principal
        return
    for kind, values in principal.items():
        for value in _texts(values):
            yield kind, value


def _texts(raw: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(str(value) for value in _many(raw))


def _many(raw: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if raw is None:
        return []
    return cast("list[Any]", raw) if isinstance(raw, list) else [raw]


def _fits(condition: Condition, operator: str, key: str, values: tuple[str, ...]) -> bool:
    return (
        operator in condition.operators
        and key == condition.key.lower()
        and bool(values)
        and all(re.fullmatch(condition.pattern, value) for value in values)
    )


def _any_match(patterns: Iterable[str], action: str) -> bool:
    """IAM ignores the case of actions."""
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
