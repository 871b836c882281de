"""The manager's two key slots: which keys exist, which is handed out, and what is refused."""

import json

import pytest

from infra.settings import SettingsError, parse
from tests.infra.conftest import Run


def test_a_new_stack_has_one_key_in_slot_a(record: Run) -> None:
    key = record().one("AccessKey")
    assert key.name == "sandbox-manager-a"
    assert key.inputs["status"] == "Active"


@pytest.mark.parametrize(
    ("stages", "statuses", "handed_out"),
    [
        ({"a": "current", "b": "next"}, {"a": "Active", "b": "Active"}, "a"),
        ({"a": "retiring", "b": "current"}, {"a": "Active", "b": "Active"}, "b"),
        ({"a": "inactive", "b": "current"}, {"a": "Inactive", "b": "Active"}, "b"),
        ({"b": "current"}, {"b": "Active"}, "b"),
    ],
)
def test_each_stage_of_a_rotation_hands_out_the_current_key(
    record: Run, stages: dict[str, str], statuses: dict[str, str], handed_out: str
) -> None:
    run = record(manager_keys=stages)
    made = {one.name: one.inputs["status"] for one in run.resources if "AccessKey" in one.type}
    assert made == {f"sandbox-manager-{slot}": status for slot, status in statuses.items()}
    key_id = run.outputs["sandbox_manager_access_key_id"]
    assert f"sandbox-manager-{handed_out}-id" in json.dumps(key_id)


def test_a_role_has_no_key(record: Run) -> None:
    run = record(manager_identity="pod-identity", service_account="default/sandbox")
    assert run.inputs("AccessKey") == []


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({}, "no slot names 0 current keys; the service uses exactly one"),
        ({"a": "inactive"}, "a: inactive names 0 current keys"),
        ({"a": "retiring", "b": "next"}, "a: retiring and b: next names 0 current keys"),
        ({"a": "current", "b": "current"}, "names 2 current keys"),
        ({"c": "current"}, r"is none of 'a' or 'b'; choose one"),
        ({"a": "active"}, r"\[a\] active is none of 'current', 'next', 'retiring' or 'inactive'"),
        ([], "is not a mapping; write one line per slot, as in a: current"),
    ],
)
def test_stages_that_leave_the_service_without_a_key_are_refused(
    stages: object, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        parse({"manager_keys": json.dumps(stages)})
