"""The manager's access keys, in two slots, so that a key works at every moment of a rotation.

IAM gives a user at most two keys, and inactive keys count. With a single key resource, a
replacement could need a third key, or would delete the old key before the service has the new one.
With two slots each step of a rotation is an update of its own.
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
"""The stages of a stack that has never rotated its key."""


def current(keys: Keys) -> Slot:
    """The slot whose key is in the stack's outputs."""
    return next(slot for slot, stage in keys.items() if stage == "current")


def resource_name(slot: Slot) -> str:
    """The key's name in the stack; it does not change while the key exists."""
    return f"sandbox-manager-{slot}"


def status(stage: Stage) -> str:
    """The key's status in IAM."""
    return "Inactive" if stage == "inactive" else "Active"
