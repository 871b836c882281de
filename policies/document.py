"""IAM policy documents, read as IAM reads them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, cast

READS: Final = re.compile(r"(Describe|Get|List|BatchGet|BatchCheck|Search|Lookup|View|Check)")
"""How the names of actions that change nothing begin."""
SID: Final = re.compile(r"[A-Za-z]{1,40}")
POSITIVE: Final = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool"}
)
"""Operators that do not hold when the key is absent; none that end in IfExists."""


class DocumentError(ValueError):
    """A text that is no policy document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; single values are lists of one."""

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
    """Values by operator and key; keys in small letters, as IAM compares them."""

    @property
    def name(self) -> str:
        """The Sid, where it is a plain word; else the number."""
        return self.sid if SID.fullmatch(self.sid) else f"statement {self.number}"

    def grants(self, action: str) -> bool:
        """Whether it allows *action* on something."""
        if not self.allows:
            return False
        if self.not_actions:
            return not _any_match(self.not_actions, action)
        return _any_match(self.actions, action)

    def reaches(self, resource: str) -> bool:
        """Whether it applies to *resource*, an ARN."""
        if self.not_resources:
            return not any(fnmatchcase(resource, one) for one in self.not_resources)
        return any(fnmatchcase(resource, one) for one in self.resources)

    def reaches_kind(self, kind: str) -> bool:
        """Whether it applies to some EC2 resource of *kind*, wherever: `instance`."""
        if self.not_resources or self.reaches(f"arn:aws:ec2:region:account:{kind}/id"):
            return True
        tails = [one.split(":", maxsplit=5)[-1] for one in self.resources]
        return any(fnmatchcase(f"{kind}/id", one) or one.startswith(f"{kind}/") for one in tails)

    def values(self, key: str) -> tuple[str, ...]:
        """What *key* has to be, by operators that fail when it is absent."""
        return tuple(
            value
            for (operator, name), values in self.conditions.items()
            if name == key.lower() and operator in POSITIVE
            for value in values
        )

    def requires(self, key: str) -> bool:
        """Whether *key* has to be there and to be something."""
        values = self.values(key)
        return bool(values) and all(value.strip("*") for value in values)

    @property
    def unconditioned(self) -> bool:
        return not self.conditions


def parse(raw: Any) -> tuple[Statement, ...]:  # noqa: ANN401 - text, or a mapping
    """Read a document.

    Raises:
        DocumentError: it is none.
    """
    try:
        content: Mapping[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
        statements = _many(content["Statement"])
        return tuple(_statement(number, one) for number, one in enumerate(statements, start=1))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DocumentError("is no policy document") from None  # the text itself may be anything


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
    return tuple(str(one) for one in _many(raw))


def _many(raw: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if raw is None:
        return []
    return cast("list[Any]", raw) if isinstance(raw, list) else [raw]


def _any_match(patterns: Iterable[str], action: str) -> bool:
    """IAM compares actions without regard to case."""
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def service(action: str) -> str:
    return action.partition(":")[0].lower()


def is_read(action: str) -> bool:
    return READS.match(action.partition(":")[2]) is not None
