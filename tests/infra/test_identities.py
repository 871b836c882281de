"""The manager, the instances' role, the flow logs and the keys that the program registers."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from infra import catalogue
from tests.infra.conftest import ACCOUNT, Run


def statements(inputs: Mapping[str, Any], key: str = "policy") -> list[dict[str, Any]]:
    return json.loads(inputs[key])["Statement"]


def test_flow_logs_have_a_retention_period_and_a_role_that_creates_no_group(record: Run) -> None:
    run = record(flow_log_retention_days=30)
    assert run.only("LogGroup", "sandbox-flow-logs").inputs["retentionInDays"] == 30
    assert run.only("FlowLog").inputs["trafficType"] == "ALL"
    actions = [
        action
        for statement in statements(run.only("Policy", "sandbox-flow-logs").inputs)
        for action in statement["Action"]
    ]
    assert "logs:CreateLogGroup" not in actions
    assert "logs:PutLogEvents" in actions


def test_flow_logs_can_be_turned_off(record: Run) -> None:
    run = record(flow_logs=False)
    assert run.inputs("FlowLog") == []
    assert [group["name"] for group in run.inputs("LogGroup")] == ["/aws/ec2/sandbox/instances"]


def test_the_manager_is_the_user_of_the_replaced_module(record: Run) -> None:
    run = record()
    user = run.only("User").inputs
    assert (user["name"], user["path"]) == ("sandbox-manager", "/service/")
    assert user["permissionsBoundary"].endswith("sandbox-manager-boundary")
    assert run.only("UserPolicyAttachment").inputs["policyArn"].endswith("sandbox-manager-policy")


@pytest.mark.parametrize(
    ("config", "principal"),
    [
        (
            {
                "manager_identity": "irsa",
                "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example.org/id/A",
                "service_account": "default/sandbox-manager",
            },
            "Federated",
        ),
        (
            {"manager_identity": "pod-identity", "service_account": "default/sandbox-manager"},
            "Service",
        ),
    ],
)
def test_the_manager_can_be_a_role_without_any_key(
    record: Run, config: dict[str, Any], principal: str
) -> None:
    run = record(**config)
    role = run.only("Role", "sandbox-manager").inputs
    assert role["permissionsBoundary"].endswith("sandbox-manager-boundary")
    assert principal in statements(role, "assumeRolePolicy")[0]["Principal"]
    assert run.inputs("User") == []
    assert run.inputs("AccessKey") == []
    assert "sandbox_manager_access_key_id" not in run.outputs
    assert run.outputs["sandbox_manager_role_arn"].endswith("sandbox-manager")


def test_the_instances_role_is_that_of_the_replaced_module(record: Run) -> None:
    run = record()
    role = run.only("Role", "sandbox-instance-role").inputs
    assert role["permissionsBoundary"].endswith("sandbox-instance-boundary")
    assert statements(role, "assumeRolePolicy")[0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert run.only("InstanceProfile").inputs["role"] == "sandbox-instance-role"
    assert run.only("InstanceProfile").inputs["name"] == "sandbox-instance-profile"


@pytest.mark.parametrize(
    ("stages", "statuses", "handed_out"),
    [
        ({"a": "current"}, {"a": "Active"}, "a"),
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
    keys = {key.name: key.inputs for key in run.resources if key.type.endswith(":AccessKey")}
    assert {name: key["status"] for name, key in keys.items()} == {
        f"sandbox-manager-{slot}": status for slot, status in statuses.items()
    }
    assert {key["user"] for key in keys.values()} == {"sandbox-manager"}
    key_id = run.outputs["sandbox_manager_access_key_id"]
    assert f"sandbox-manager-{handed_out}-id" in json.dumps(key_id)


def test_a_policy_that_outgrows_one_document_is_attached_in_parts(record: Run) -> None:
    run = record(s3_read_buckets=[f"softmax-{number:03}-of-researchers" for number in range(65)])
    names = [
        policy["name"]
        for policy in run.inputs("Policy")
        if policy["name"].startswith("sandbox-instance-policy")
    ]
    assert sorted(names) == ["sandbox-instance-policy", "sandbox-instance-policy-2"]
    attached = [
        attachment["policyArn"].rsplit(":", 1)[1]
        for attachment in run.inputs("RolePolicyAttachment")
        if attachment["role"] == "sandbox-instance-role"
    ]
    assert sorted(attached) == sorted(names)


def test_settings_that_no_policy_can_hold_are_refused_before_any_resource(record: Run) -> None:
    buckets = [f"softmax-{number:04}-{'x' * 40}" for number in range(400)]
    with pytest.raises(pulumi.RunError, match=r"6,144") as raised:
        record(s3_read_buckets=buckets)
    assert "\n" not in str(raised.value)
    assert [resource.type for resource in record.last.resources] == ["pulumi:providers:aws"]


def test_the_stack_protects_the_vpc_and_the_identities_if_asked(record: Run) -> None:
    protected = {
        (resource.type.rsplit(":", 1)[1], resource.name)
        for resource in record(protect=True).resources
        if resource.protect
    }
    assert protected == {
        ("Vpc", "sandbox-vpc"),
        ("User", "sandbox-manager"),
        ("Role", "sandbox-instance-role"),
        ("InstanceProfile", "sandbox-instance-profile"),
    }
    assert [resource.name for resource in record().resources if resource.protect] == []


def test_a_preview_warns_that_a_manager_that_becomes_a_role_loses_its_key(
    record: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    monkeypatch.setattr("infra.preflight.missing_in_region.warn_on_missing", lambda *_: None)
    role = {"manager_identity": "pod-identity", "service_account": "default/manager"}
    record(**role)
    record.standing = {"urn::key": {"type": catalogue.ACCESS_KEY.name, "outputs": {}}}
    record()
    assert warnings == []
    record(**role)
    [warning] = warnings
    assert "manager_identity = pod-identity: " in warning
    assert "deletes the manager's user and its access key" in warning
