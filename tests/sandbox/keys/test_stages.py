"""The steps of a rotation, without a stack: where each leads, and what it waits for."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from infra.access_keys import Keys, Slot, current, status
from infra.settings import parse
from sandbox.core.errors import SandboxError
from sandbox.keys.stages import Use, advance, back, waits_for

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=4)
ROTATION: list[Keys] = [
    {"a": "current"},
    {"a": "current", "b": "next"},
    {"a": "retiring", "b": "current"},
    {"a": "inactive", "b": "current"},
    {"b": "current"},
]


def mirrored(keys: Keys) -> Keys:
    swap: dict[Slot, Slot] = {"a": "b", "b": "a"}
    return {slot: keys[swap[slot]] for slot in swap if swap[slot] in keys}


@pytest.mark.parametrize(("here", "there"), list(pairwise(ROTATION)))
def test_a_rotation_goes_through_every_stage_and_back_to_the_other_slot(
    here: Keys, there: Keys
) -> None:
    assert advance(here) == there
    assert advance(mirrored(here)) == mirrored(there)


@pytest.mark.parametrize("keys", [*ROTATION, *map(mirrored, ROTATION)])
def test_no_step_makes_the_current_key_and_hands_it_out_at_once(keys: Keys) -> None:
    after = [advance(keys), *([back(keys)] if len(keys) > 1 else [])]
    for one in after:
        assert current(one) in keys, "handed out before the stack has made it"


@pytest.mark.parametrize("keys", [*ROTATION, *map(mirrored, ROTATION)])
def test_no_step_deletes_a_key_that_works_unless_nobody_has_it(keys: Keys) -> None:
    gone = keys.keys() - advance(keys).keys()
    assert all(status(keys[slot]) == "Inactive" for slot in gone)
    if len(keys) > 1:
        dropped = keys.keys() - back(keys).keys()
        assert all(keys[slot] == "next" for slot in dropped)


@pytest.mark.parametrize("keys", [*ROTATION, *map(mirrored, ROTATION)])
def test_the_settings_take_every_stage(keys: Keys) -> None:

    assert parse({"manager_keys": json.dumps(keys)}).manager_keys == keys


def test_a_key_that_nobody_has_is_dropped_on_the_way_back() -> None:
    assert back({"a": "current", "b": "next"}) == {"a": "current"}


@pytest.mark.parametrize("stage", ["retiring", "inactive"])
def test_the_old_key_is_handed_out_again_on_the_way_back(stage: str) -> None:
    keys = parse({"manager_keys": f'{{"a": "{stage}", "b": "current"}}'}).manager_keys
    assert back(keys) == {"a": "current", "b": "retiring"}


def test_a_deleted_key_does_not_come_back() -> None:
    with pytest.raises(SandboxError, match="slot b holds the only key: there is no rotation"):
        back({"b": "current"})


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (None, None, "has not used the key in slot b yet"),
        (1, None, "has not used the key in slot b yet"),
        (1, 2, "has not used the key in slot b yet"),
        (1, 0.5, "slot a was last used at 2026-11-24 11:00 UTC; the grace time ends at"),
        (4, 0.5, None),
        (None, 0.5, None),
    ],
)
def test_the_old_key_is_switched_off_only_when_the_service_has_changed_over(
    old: float | None, new: float | None, reason: str | None
) -> None:
    uses: dict[Slot, Use] = {
        "a": Use(last_used=None if old is None else hours_ago(old), changed=hours_ago(99)),
        "b": Use(last_used=None if new is None else hours_ago(new), changed=hours_ago(9)),
    }
    waiting = waits_for({"a": "retiring", "b": "current"}, uses, now=NOW, grace=GRACE)
    assert waiting is None if reason is None else reason in (waiting or "")


@pytest.mark.parametrize(("hours", "waits"), [(3.9, True), (4, False)])
def test_an_old_key_is_deleted_only_a_grace_time_after_it_was_switched_off(
    hours: float, *, waits: bool
) -> None:
    uses: dict[Slot, Use] = {
        "a": Use(last_used=hours_ago(50), changed=hours_ago(hours)),
        "b": Use(last_used=hours_ago(0), changed=hours_ago(50)),
    }
    waiting = waits_for({"a": "inactive", "b": "current"}, uses, now=NOW, grace=GRACE)
    assert (waiting is not None) is waits
