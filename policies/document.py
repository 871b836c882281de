"""IAM policy documents, read as IAM reads them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, cast

READS: Final = re.compile(
    r"(Describe|Get|List|BatchGet|BatchCheck|Search|Lookup|View|Check|Decode)"
)
"""The first words of actions that change nothing."""
SID: Final = re.compile(r"[A-Za-z]{1,40}")
POSITIVE: Final = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool"}
)
"""Operators that do not match if the key is absent; no operator that ends in IfExists."""


class DocumentError(ValueError):
    """A text is not a valid policy document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. A single value is a tuple of one."""

    number: int
    sid: str
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    """Kind (`Service`, `AWS`, `Federated`, `*`) and value."""
    conditions: Mapping[tuple[str, str], tuple[str, ...]]
    """Values by operator and key. Keys are in lower case, because IAM ignores their case."""

    @property
    def name(self) -> str:
        """The Sid if it is a plain word, else the number."""
        return self.sid if SID.fullmatch(self.sid) else f"statement {self.number}"

    def grants(self, action: str) -> bool:
        """Whether it allows *action* on any resource."""
        if not self.allows:
            return False
        if self.not_actions:
            return not _any_match(self.not_actions, action)
        return _any_match(self.actions, action)

    def reaches(self, resource: str) -> bool:
        """Whether it applies to *resource*, an ARN."""
        if self.not_resources:
            return not any(fnmatchcase(resource, pattern) for pattern in self.not_resources)
        return any(fnmatchcase(resource, pattern) for pattern in self.resources)

    def reaches_kind(self, kind: str) -> bool:
        """Whether it applies to an EC2 resource of *kind*, as `instance`, in any region."""
        if self.not_resources or self.reaches(f"arn:aws:ec2:region:account:{kind}/id"):
            return True
        tails = [arn.split(":", maxsplit=5)[-1] for arn in self.resources]
        return any(fnmatchcase(f"{kind}/id", tail) or tail.startswith(f"{kind}/") for tail in tails)

    def values(self, key: str) -> tuple[str, ...]:
        """The values that *key* must have, by operators that fail if the key is absent."""
        return tuple(
            value
            for (operator, name), values in self.conditions.items()
            if name == key.lower() and operator in POSITIVE
            for value in values
        )

    def requires(self, key: str) -> bool:
        """Whether *key* must be present and not empty."""
        values = self.values(key)
        return bool(values) and all(value.strip("*") for value in values)

    @property
    def unconditioned(self) -> bool:
        return not self.conditions


def parse(raw: Any) -> tuple[Statement, ...]:  # noqa: ANN401 - text, or a mapping
    """Read a document.

    Raises:
        DocumentError: it is not a valid policy document.
    """
    try:
        content: Mapping[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
        statements = _many(content["Statement"])
        return tuple(
            _statement(number, statement) for number, statement in enumerate(statements, start=1)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DocumentError("is not a valid policy document") from None  # which may hold a secret


def _statement(number: int, raw: Mapping[str, Any]) -> Statement:
    conditions: Mapping[str, Mapping[str, Any]] = raw.get("Condition") or {}
    return Statement(
        number=number,
        sid=str(raw.get("Sid", "")),
        allows=raw["Effect"] == "Allow",
        actions=_texts(raw.get("Action")),
        not_actions=_texts(raw.get("NotAction")),
        resources=_texts(raw.get("Resource")),
        not_resources=_texts(raw.get("NotResource")),
        principals=tuple(_principals(raw.get("Principal"))),
        conditions={
            (operator, key.lower()): _texts(value)
            for operator, keys in conditions.items()
            for key, value in keys.items()
        },
    )


def _principals(raw: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if raw is None:
        return
    if isinstance(raw, str):
        yield "*", raw
        return
    for kind, values in raw.items():
        for value in _texts(values):
            yield kind, value


def _texts(raw: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(str(value) for value in _many(raw))


def _many(raw: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if raw is None:
        return []
    return cast("list[Any]", raw) if isinstance(raw, list) else [raw]


def _any_match(patterns: Iterable[str], action: str) -> bool:
    """IAM ignores the case of actions."""
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def service(action: str) -> str:
    return action.partition(":")[0].lower()


def is_read(action: str) -> bool:
    return READS.match(action.partition(":")[2]) is not None
