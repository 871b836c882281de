"""The steps of a rotation, without a stack: the stages after each, and the reasons to wait."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from infra.access_keys import Keys, Slot, current, status
from infra.settings import parse
from sandbox.core.errors import RefusedError
from sandbox.keys.stages import KeyUse, advance, blocking_reason, rolled_back

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
def test_no_step_creates_a_key_and_hands_it_out_at_once(keys: Keys) -> None:
    results = [advance(keys), *([rolled_back(keys)] if len(keys) > 1 else [])]
    for stages in results:
        assert current(stages) in keys, "handed out before the stack has created it"


@pytest.mark.parametrize("keys", [*ROTATION, *map(mirrored, ROTATION)])
def test_no_step_deletes_a_key_that_works_unless_it_was_never_handed_out(keys: Keys) -> None:
    deleted = keys.keys() - advance(keys).keys()
    assert all(status(keys[slot]) == "Inactive" for slot in deleted)
    if len(keys) > 1:
        dropped = keys.keys() - rolled_back(keys).keys()
        assert all(keys[slot] == "next" for slot in dropped)


@pytest.mark.parametrize("keys", [*ROTATION, *map(mirrored, ROTATION)])
def test_the_settings_accept_every_stage(keys: Keys) -> None:
    assert parse({"manager_keys": json.dumps(keys)}).manager_keys == keys


def test_a_rollback_deletes_a_key_that_was_never_handed_out() -> None:
    assert rolled_back({"a": "current", "b": "next"}) == {"a": "current"}


@pytest.mark.parametrize("stage", ["retiring", "inactive"])
def test_a_rollback_hands_out_the_old_key_again(stage: str) -> None:
    keys = parse({"manager_keys": f'{{"a": "{stage}", "b": "current"}}'}).manager_keys
    assert rolled_back(keys) == {"a": "current", "b": "retiring"}


def test_a_deleted_key_cannot_come_back() -> None:
    with pytest.raises(RefusedError, match="slot b"):
        rolled_back({"b": "current"})


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (None, None, "slot b"),
        (1, None, "slot b"),
        (1, 2, "slot b"),
        (1, 0.5, "2026-11-24 15:00"),
        (4, 0.5, None),
        (None, 0.5, None),
    ],
)
def test_the_old_key_is_switched_off_only_once_the_service_uses_the_new_one(
    old: float | None, new: float | None, reason: str | None
) -> None:
    uses: dict[Slot, KeyUse] = {
        "a": KeyUse(last_used=None if old is None else hours_ago(old), changed=hours_ago(99)),
        "b": KeyUse(last_used=None if new is None else hours_ago(new), changed=hours_ago(9)),
    }
    actual = blocking_reason({"a": "retiring", "b": "current"}, uses, now=NOW, grace=GRACE)
    assert actual is None if reason is None else reason in (actual or "")


@pytest.mark.parametrize(("hours", "waits"), [(3.9, True), (4, False)])
def test_an_old_key_is_deleted_only_a_grace_time_after_it_was_switched_off(
    hours: float, *, waits: bool
) -> None:
    uses: dict[Slot, KeyUse] = {
        "a": KeyUse(last_used=hours_ago(50), changed=hours_ago(hours)),
        "b": KeyUse(last_used=hours_ago(0), changed=hours_ago(50)),
    }
    actual = blocking_reason({"a": "inactive", "b": "current"}, uses, now=NOW, grace=GRACE)
    assert (actual is not None) is waits
