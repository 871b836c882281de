"""Exceptions from rules: explicit, with a reason, and with a last day.

`exemptions.json` holds a list of ``{"rule", "resource", "reason", "expires"}``. *resource* is the
end of a URN, ``type::name``, and may hold wildcards; the stack itself is ``stack``. What has
expired exempts nothing any more, and fails by itself until it is removed or renewed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

KEYS: Final = ("rule", "resource", "reason", "expires")
SHORTEST_REASON: Final = 10
STACK: Final = "stack"


class ExemptionError(ValueError):
    """An entry that is not what it has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One rule does not hold for some resources, until the end of a day."""

    rule: str
    resource: str
    reason: str
    expires: date

    def covers(self, rule: str, urn: str, today: date) -> bool:
        return rule == self.rule and today <= self.expires and fnmatchcase(tail(urn), self.resource)


def tail(urn: str) -> str:
    """`type::name` of a URN, without the types of its parents."""
    if not urn:
        return STACK
    _, _, types, name = urn.split("::", maxsplit=3)
    return f"{types.rpartition('$')[2]}::{name}"


def load(path: Path, rules: Iterable[str]) -> tuple[Exemption, ...]:
    """Read the exemptions.

    Raises:
        ExemptionError: every entry that cannot be used, one line each.
    """
    known = set(rules)
    found: list[Exemption] = []
    problems: list[str] = []
    for number, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        try:
            found.append(_parse(entry, known))
        except ExemptionError as error:
            problems.append(f"{path.name}[{number}]: {error}")
    if problems:
        raise ExemptionError("\n".join(problems))
    return tuple(found)


def _parse(entry: Mapping[str, Any], known: set[str]) -> Exemption:
    if sorted(entry) != sorted(KEYS) or not all(isinstance(one, str) for one in entry.values()):
        raise ExemptionError(f"has {', '.join(entry)}; write the texts {', '.join(KEYS)}")
    if entry["rule"] not in known:
        raise ExemptionError(
            f"rule = {entry['rule']}: is no rule of this pack; see docs/guard-rails.md"
        )
    if len(entry["reason"]) < SHORTEST_REASON:
        raise ExemptionError(f"reason = {entry['reason']}: says nothing; say why it is acceptable")
    if entry["resource"] != STACK and "::" not in entry["resource"]:
        raise ExemptionError(f"resource = {entry['resource']}: is not type::name, nor {STACK}")
    try:
        last_day = date.fromisoformat(entry["expires"])
    except ValueError:
        raise ExemptionError(f"expires = {entry['expires']}: write YYYY-MM-DD") from None
    return Exemption(
        rule=entry["rule"],
        resource=entry["resource"],
        reason=entry["reason"],
        expires=last_day,
    )


def expired(exemptions: Iterable[Exemption], today: date) -> Iterator[Exemption]:
    return (one for one in exemptions if one.expires < today)
