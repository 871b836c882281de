"""The steps of a rotation, as changes of the stages of the two slots. Pure.

docs/service.md has the table of the stages. Until the last step deletes the old key, a rollback can
hand it out again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.access_keys import SLOTS, Keys, Slot, Stage, current
from sandbox.core.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """When the service last used a key, and when the stack last changed it."""

    last_used: datetime | None
    """AWS reports a use up to four hours late."""
    changed: datetime


def other_slot(stages: Keys) -> Slot:
    """The slot that is not the current one; it may hold no key."""
    return next(slot for slot in SLOTS if slot != current(stages))


def advance(stages: Keys) -> Keys:
    """The stages after the next step."""
    used, other = current(stages), other_slot(stages)
    match stages.get(other):
        case None:
            return _in_order({used: "current", other: "next"})
        case "next":
            return _in_order({used: "retiring", other: "current"})
        case "retiring":
            return _in_order({used: "current", other: "inactive"})
        case _:
            return {used: "current"}


def rolled_back(stages: Keys) -> Keys:
    """The stages after a rollback: without a key that was never handed out, or with the old one.

    Raises:
        RefusedError: there is no second key.
    """
    used, other = current(stages), other_slot(stages)
    match stages.get(other):
        case None:
            raise RefusedError(
                f"slot {used} holds the only key, so there is no rotation to roll back; a deleted "
                "key cannot come back: rotate again instead"
            )
        case "next":
            return {used: "current"}
        case _:
            return _in_order({other: "current", used: "retiring"})


def blocking_reason(
    stages: Keys, uses: Mapping[Slot, KeyUse], *, now: datetime, grace: timedelta
) -> str | None:
    """Why the next step has to wait; None if it can run."""
    used, other = current(stages), other_slot(stages)
    old = uses.get(other)
    match stages.get(other):
        case "retiring" if not uses_new_key(stages, uses):
            return f"the service has not used the key in slot {used} yet"
        case "retiring" if old and old.last_used:
            return _within_grace(
                f"the key in slot {other} was last used", old.last_used, now, grace
            )
        case "inactive" if old:
            return _within_grace(
                f"the key in slot {other} was switched off", old.changed, now, grace
            )
        case _:
            return None


def uses_new_key(stages: Keys, uses: Mapping[Slot, KeyUse]) -> bool:
    """Whether the service used the current key, and not the other one after it."""
    new, old = uses[current(stages)].last_used, uses[other_slot(stages)].last_used
    return new is not None and (old is None or new > old)


def _within_grace(event: str, since: datetime, now: datetime, grace: timedelta) -> str | None:
    until = since + grace
    if now >= until:
        return None
    return f"{event} at {since:%Y-%m-%d %H:%M} UTC; the grace time ends at {until:%Y-%m-%d %H:%M}"


def _in_order(stages: dict[Slot, Stage]) -> Keys:
    return {slot: stages[slot] for slot in SLOTS if slot in stages}
