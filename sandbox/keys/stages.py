"""The steps of a rotation, as changes of the two slots. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.access_keys import SLOTS, Keys, Slot, Stage, current
from sandbox.core.errors import SandboxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """When a key was last used, and when the stack last changed it."""

    last_used: datetime | None
    changed: datetime


def other(keys: Keys) -> Slot:
    """The slot that is not the current one; it may hold no key."""
    return next(slot for slot in SLOTS if slot != current(keys))


def advance(keys: Keys) -> Keys:
    """One step on: make the next key, hand it out, switch the old one off, delete it."""
    own, spare = current(keys), other(keys)
    match keys.get(spare):
        case None:
            return _keys({own: "current", spare: "next"})
        case "next":
            return _keys({own: "retiring", spare: "current"})
        case "retiring":
            return _keys({own: "current", spare: "inactive"})
        case _:
            return {own: "current"}


def back(keys: Keys) -> Keys:
    """The way back: drop a key that nobody has, or hand the old one out again.

    Raises:
        SandboxError: the old key is deleted, or there never was a second one.
    """
    own, spare = current(keys), other(keys)
    match keys.get(spare):
        case None:
            raise SandboxError(
                f"slot {own} holds the only key: there is no rotation to roll back; "
                "a deleted key cannot come back, rotate once more instead"
            )
        case "next":
            return {own: "current"}
        case _:
            return _keys({spare: "current", own: "retiring"})


def waits_for(
    keys: Keys, uses: Mapping[Slot, Use], *, now: datetime, grace: timedelta
) -> str | None:
    """What has to happen before the next step is safe, or None."""
    own, spare = current(keys), other(keys)
    stage = keys.get(spare)
    if stage not in ("retiring", "inactive"):
        return None
    old = uses[spare]
    if stage == "inactive":
        return _quiet(f"the key in slot {spare} was switched off", old.changed, now, grace)
    if not is_taken_over(keys, uses):
        return (
            f"the service has not used the key in slot {own} yet; hand it over with: "
            "sandbox secret | kubectl apply -f - (and restart what reads it)"
        )
    if old.last_used is None:
        return None
    return _quiet(f"the key in slot {spare} was last used", old.last_used, now, grace)


def is_taken_over(keys: Keys, uses: Mapping[Slot, Use]) -> bool:
    """The service uses the current key, and used it after the other one."""
    new, old = uses[current(keys)].last_used, uses[other(keys)].last_used
    return new is not None and (old is None or new > old)


def _quiet(what: str, since: datetime, now: datetime, grace: timedelta) -> str | None:
    until = since + grace
    if now >= until:
        return None
    return f"{what} at {since:%Y-%m-%d %H:%M} UTC; the grace time ends at {until:%Y-%m-%d %H:%M}"


def _keys(stages: dict[Slot, Stage]) -> Keys:
    return {slot: stages[slot] for slot in SLOTS if slot in stages}
