"""Exemptions from rules, each with a reason and a last day.

`exemptions.json` holds a list of ``{"rule", "resource", "reason", "expires"}``. *resource* is the
end of a URN, ``type::name``, and may hold wildcards; ``stack`` stands for the stack itself. An
expired exemption exempts nothing, and is a finding itself until somebody removes or renews it.
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
    """An entry is not valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Exempts some resources from one rule, until the end of a day (UTC)."""

    rule: str
    resource: str
    reason: str
    expires: date

    def covers(self, rule: str, urn: str, today: date) -> bool:
        return rule == self.rule and today <= self.expires and fnmatchcase(tail(urn), self.resource)


def tail(urn: str) -> str:
    """The part `type::name` of a URN, without the types of its parents."""
    if not urn:
        return STACK
    _, _, types, name = urn.split("::", maxsplit=3)
    return f"{types.rpartition('$')[2]}::{name}"


def load(path: Path, rules: Iterable[str]) -> tuple[Exemption, ...]:
    """Read the exemptions.

    Raises:
        ExemptionError: some entries are not valid; one line for each.
    """
    known = set(rules)
    exemptions: list[Exemption] = []
    problems: list[str] = []
    for number, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        try:
            exemptions.append(_parse(entry, known))
        except ExemptionError as error:
            problems.append(f"{path.name}[{number}]: {error}")
    if problems:
        raise ExemptionError("\n".join(problems))
    return tuple(exemptions)


def _parse(entry: Mapping[str, Any], known: set[str]) -> Exemption:
    if sorted(entry) != sorted(KEYS) or not all(isinstance(value, str) for value in entry.values()):
        raise ExemptionError(
            f"{', '.join(entry)}: is not a valid exemption; use {', '.join(KEYS)}, each a text"
        )
    if entry["rule"] not in known:
        raise ExemptionError(
            f"rule = {entry['rule']}: is not a rule of this pack; see docs/guard-rails.md"
        )
    if len(entry["reason"]) < SHORTEST_REASON:
        raise ExemptionError(
            f"reason = {entry['reason']}: is too short; write why the finding is acceptable"
        )
    if entry["resource"] != STACK and "::" not in entry["resource"]:
        raise ExemptionError(
            f"resource = {entry['resource']}: is not a valid resource; use type::name or {STACK}"
        )
    try:
        last_day = date.fromisoformat(entry["expires"])
    except ValueError:
        raise ExemptionError(
            f"expires = {entry['expires']}: is not a valid date; use YYYY-MM-DD"
        ) from None
    return Exemption(
        rule=entry["rule"], resource=entry["resource"], reason=entry["reason"], expires=last_day
    )


def expired(exemptions: Iterable[Exemption], today: date) -> Iterator[Exemption]:
    return (exemption for exemption in exemptions if exemption.expires < today)
