"""The role of the pipeline against every call of updates, previews, refreshes and a destroy.

`make prove-policies` runs this; `make test` checks the calls of the workflows in test_pipeline.py.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from infra import names
from local.iam.evaluator import Document, many
from tests.e2e.account import Client, launch_tagged
from tests.policies import recorded_calls
from tests.policies.ci_role import (
    decided,
    filled_in,
    preview_documents,
    refused,
    role_documents,
    role_texts,
    setup_document,
)
from tests.policies.passing_stack import trust_of
from tests.policies.required_permissions import ACCOUNT, Need, learnt_paths, needs
from tests.policies.standing_stack import PIPELINE_KEY, run, standing_stack

pytestmark = [pytest.mark.engine, pytest.mark.proof, pytest.mark.thorough]

DRIFT: Final = (sys.executable, "-m", "sandbox", "drift")
CLUSTER: Final = (
    "oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789ABCDEF0123456789"
)
SETTINGS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {
        "environment": "staging",
        "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"],
        "flow_log_retention_days": 731,
        "s3_read_buckets": ["league-*"],
        "manager_keys": {"a": "inactive", "b": "current"},
        "cost_allocation_tags": "on",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{third}.0/24" for third in range(70)],
        "flow_logs": False,
        "manager_identity": "pod-identity",
        "service_account": "default/sandbox",
        "cost_allocation_tags": "auto",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{third}.0/24" for third in range(71)],
        "manager_identity": "irsa",
        "service_account": "default/sandbox",
        "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:{CLUSTER}",
    },
)
"""One after the other, so that every resource is created, changed and deleted."""
STRAY_TAG: Final = {"Key": "Stray", "Value": "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The permissions that the commands need."""

    previews: Sequence[Need]
    all: Sequence[Need]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    with standing_stack(folder) as stack:
        sandbox = stack.sandbox
        stack.move_secrets_to_kms()
        sandbox.environment["AWS_ACCESS_KEY_ID"] = PIPELINE_KEY
        set_up = len(recorded_calls.calls(stack.calls_folder))
        previews: list[recorded_calls.RecordedCall] = []

        def preview(*arguments: str) -> None:
            before = len(recorded_calls.calls(stack.calls_folder))
            sandbox.pulumi("preview", *arguments)
            drift = run([*DRIFT, "--stack", sandbox.name], sandbox.environment, sandbox.folder)
            assert "Traceback" not in drift.output, drift.output
            previews.extend(recorded_calls.calls(stack.calls_folder)[before:])

        sandbox.configure()
        preview()
        sandbox.up()
        change_by_hand(stack.client, stack.outputs())
        for settings in (*SETTINGS, {}):
            sandbox.configure(**settings)
            sandbox.up("--refresh")
            preview("--refresh", "--expect-no-changes")
        sandbox.pulumi("refresh", "--yes", "--skip-preview")
        sandbox.destroy()
        calls = recorded_calls.calls(stack.calls_folder)[set_up:]
    paths = learnt_paths(calls)
    pipeline_calls = [call for call in calls if call.key_id == PIPELINE_KEY]
    return Recorded(previews=needs(previews, paths=paths), all=needs(pipeline_calls, paths=paths))


def change_by_hand(client: Client, outputs: Mapping[str, Any]) -> None:
    """Make changes that the next update must revert, and create tags that it then activates."""
    launch_tagged(client)
    ec2, iam, logs = client("ec2"), client("iam"), client("logs")
    group = [{"Name": "group-id", "Values": [outputs["security_group_id"]]}]
    rules = ec2.describe_security_group_rules(Filters=group)["SecurityGroupRules"]
    ssh = next(rule for rule in rules if not rule["IsEgress"])
    kept = {key: ssh[key] for key in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4")}
    ec2.modify_security_group_rules(
        GroupId=outputs["security_group_id"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": ssh["SecurityGroupRuleId"],
                "SecurityGroupRule": {**kept, "Description": "Stray"},
            }
        ],
    )
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"]
    )
    ec2.create_tags(Resources=[outputs["vpc_id"]], Tags=[STRAY_TAG])
    iam.delete_user_permissions_boundary(UserName=names.MANAGER)
    iam.tag_user(UserName=names.MANAGER, Tags=[STRAY_TAG])
    iam.delete_role_permissions_boundary(RoleName=names.INSTANCE_ROLE)
    iam.update_role(RoleName=names.INSTANCE_ROLE, Description="Stray", MaxSessionDuration=7200)
    iam.update_assume_role_policy(
        RoleName=names.INSTANCE_ROLE, PolicyDocument=trust_of({"Service": "lambda.amazonaws.com"})
    )
    iam.tag_role(RoleName=names.INSTANCE_ROLE, Tags=[STRAY_TAG])
    iam.tag_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE, Tags=[STRAY_TAG])
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        iam.tag_policy(PolicyArn=policy["Arn"], Tags=[STRAY_TAG])
    for log_group in logs.describe_log_groups()["logGroups"]:
        logs.tag_resource(resourceArn=log_group["logGroupArn"], tags={"Stray": "yes"})


def test_every_call_is_allowed_by_both_evaluators(recorded: Recorded) -> None:
    assert refused(recorded.all, [*role_documents(), setup_document()]) == []
    actions = {need.action for need in recorded.all}
    assert {"ec2:CreateVpc", "iam:PassRole", "s3:PutObject"} <= actions


def test_only_the_boundaries_need_an_administrator(recorded: Recorded) -> None:
    routine = [need for need in recorded.all if not is_of_a_boundary(need)]
    assert refused(routine, role_documents()) == []
    assert len(refused(recorded.all, role_documents())) == len(recorded.all) - len(routine) > 0


def is_of_a_boundary(need: Need) -> bool:
    """Whether the call creates, changes or deletes a boundary; calls on its tags do not count."""
    return (
        need.resource.endswith("-boundary")
        and need.action.endswith(("CreatePolicy", "PolicyVersion", "DeletePolicy"))
        and not need.action.startswith("iam:Get")
    )


def test_the_role_of_previews_is_enough_for_previews(recorded: Recorded) -> None:
    assert refused(recorded.previews, preview_documents()) == []


def test_every_grant_is_needed_by_a_call(recorded: Recorded) -> None:
    assert unneeded(recorded.all) == set()


def unneeded(asked: Sequence[Need]) -> set[str]:
    """Actions and resources of the role's statements that allow no call by themselves."""
    return {
        part
        for text in role_texts()
        for statement in json.loads(text)["Statement"]
        if statement["Effect"] == "Allow"
        for key in ("Action", "Resource")
        for part in many(statement[key])
        if not any(allows([{**statement, key: part}], need) for need in asked)
    }


def allows(statements: Sequence[Document], need: Need) -> bool:
    document = filled_in(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return decided(need, [document]) == "allowed"
