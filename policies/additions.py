"""An owner's additions to the stack: resources and providers that the rules do not know.

`additions.json` holds a list of ``{"resource", "reason"}``. *resource* is the end of a URN,
``type::name``; the name may hold wildcards, the type may not. The rules for each kind then leave
the resource alone; docs/guard-rails.md says which rules still check it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from policies.exemptions import SHORTEST_REASON, ExemptionError, tail

FILE: Final = "policies/additions.json"
KEYS: Final = ("resource", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """Resources of one type that the owner of the stack is responsible for."""

    resource: str
    reason: str

    def covers(self, urn: str) -> bool:
        return fnmatchcase(tail(urn), self.resource)


def load(path: Path) -> tuple[Addition, ...]:
    """Read the additions.

    Raises:
        ExemptionError: an entry is not valid.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_parse(f"{path.name}[{number}]", entry) for number, entry in enumerate(entries))


def _parse(where: str, entry: Mapping[str, Any]) -> Addition:
    if sorted(entry) != sorted(KEYS) or not all(isinstance(value, str) for value in entry.values()):
        raise ExemptionError(
            f"{where}: is not a valid addition; use {' and '.join(KEYS)}, each a text"
        )
    kind, separator, _ = entry["resource"].partition("::")
    if not separator or "*" in kind or "?" in kind or "[" in kind:
        raise ExemptionError(
            f"{where}: resource = {entry['resource']}: is not a valid resource; use type::name,"
            " with the whole type"
        )
    if len(entry["reason"]) < SHORTEST_REASON:
        raise ExemptionError(
            f"{where}: reason = {entry['reason']}: is too short; write the purpose of the resource"
        )
    return Addition(**entry)
