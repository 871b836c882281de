"""The manager's access keys: two named slots, so that one can follow the other without a gap.

IAM gives a user two keys at most, inactive ones counted. A single key resource that is replaced
would need a third in the next rotation's worst case, and the old one dies before the service knows
the new one; two slots make each step of a rotation an update of its own.
"""

from collections.abc import Mapping
from typing import Final, Literal

Slot = Literal["a", "b"]
Stage = Literal["current", "next", "retiring", "inactive"]
"""What a key is for.

- `current`: the stack hands this key to the service.
- `next`: created, not handed out yet.
- `retiring`: no longer handed out; still works for a service that has not read the new key.
- `inactive`: switched off; kept so that a rollback can switch it on again.
"""
Keys = Mapping[Slot, Stage]

SLOTS: Final[tuple[Slot, ...]] = ("a", "b")
INITIAL_STAGES: Final[Keys] = {"a": "current"}
"""Of a stack that has never rotated."""


def current(keys: Keys) -> Slot:
    """The slot whose key the stack hands out."""
    return next(slot for slot, stage in keys.items() if stage == "current")


def resource_name(slot: Slot) -> str:
    """The key's name in the stack; it does not change while the key lives."""
    return f"sandbox-manager-{slot}"


def status(stage: Stage) -> str:
    """What IAM is told."""
    return "Inactive" if stage == "inactive" else "Active"
