"""The steps of the workflows that call Pulumi, run as they are written, in an emulated account."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from infra import names
from tests.e2e.account import Client, everything
from tests.policies.ci_role import refused, role_documents, setup_document
from tests.policies.guard_rails_document import example
from tests.policies.passing_stack import trust_of
from tests.policies.recorded_calls import calls
from tests.policies.required_permissions import learnt_paths, needs
from tests.policies.standing_stack import PolicyStack

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("policies-engine")]

DIFFERS: Final = re.compile(r"^(?:differs: \S+|missing:) aws:\S+ ([^\s,]+)", re.MULTILINE)
"""The name of a resource that differs from the program, as `sandbox drift` prints it."""


@pytest.mark.thorough  # the drift by hand, below, names exactly what differs
def test_the_account_is_as_the_program_says_after_a_deployment(
    deployed_stack: PolicyStack,
) -> None:
    vpcs = deployed_stack.client("ec2").describe_vpcs(VpcIds=[deployed_stack.outputs()["vpc_id"]])
    assert [vpc["CidrBlock"] for vpc in vpcs["Vpcs"]] == ["10.100.0.0/16"]
    drift = deployed_stack.run_workflow("drift")
    assert drift.code == 0, drift.output
    assert drift.rules("mandatory") == set()
    assert drift.rules("advisory") == {"ssh-not-world-open"}


def test_a_finding_stops_the_update_and_an_exemption_lets_it_pass(
    deployed_stack: PolicyStack,
) -> None:
    before = everything(deployed_stack.client)
    exemptions = deployed_stack.sandbox.folder / "policies" / "exemptions.json"
    tomorrow = datetime.now(tz=UTC).date() + timedelta(days=1)
    entry = {**json.loads(example("Exemptions"))[0], "expires": tomorrow.isoformat()}
    deployed_stack.configure(protect=False)
    try:
        update = deployed_stack.run_workflow("main")
        assert update.code != 0
        assert update.rules("mandatory") == {entry["rule"]}, update.output
        exemptions.write_text(json.dumps([entry]))
        preview = deployed_stack.run_workflow("pull-request")
        assert preview.code == 0, preview.output
    finally:
        exemptions.write_text("[]")
        deployed_stack.configure()
    assert everything(deployed_stack.client) == before


def test_drift_names_every_change_and_addition_by_hand(deployed_stack: PolicyStack) -> None:
    outputs, client = deployed_stack.outputs(), deployed_stack.client
    change_by_hand(client, outputs["vpc_id"], outputs["security_group_id"])
    rule_id, key_id = add_by_hand(client, outputs["security_group_id"])
    drift = deployed_stack.run_workflow("drift")
    assert drift.code != 0
    assert set(DIFFERS.findall(drift.output)) == {
        "sandbox-flow-logs",
        "sandbox-instance-policy",
        "sandbox-instance-role",
        "sandbox-manager",
        "sandbox-ssh-inbound-0.0.0.0/0",
        "sandbox-vpc",
    }
    for identifier in (rule_id, key_id):
        assert identifier in drift.output


def change_by_hand(client: Client, vpc_id: str, security_group_id: str) -> None:
    ec2, iam, logs = client("ec2"), client("iam"), client("logs")
    group_filter = [{"Name": "group-id", "Values": [security_group_id]}]
    rules = ec2.describe_security_group_rules(Filters=group_filter)["SecurityGroupRules"]
    ingress = [rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]]
    ec2.revoke_security_group_ingress(GroupId=security_group_id, SecurityGroupRuleIds=ingress)
    ec2.delete_tags(Resources=[vpc_id], Tags=[{"Key": "Purpose"}])
    ec2.delete_flow_logs(
        FlowLogIds=[log["FlowLogId"] for log in ec2.describe_flow_logs()["FlowLogs"]]
    )
    (log_group,) = logs.describe_log_groups(logGroupNamePrefix="/sandbox/")["logGroups"]
    logs.put_retention_policy(logGroupName=log_group["logGroupName"], retentionInDays=7)
    iam.delete_user_permissions_boundary(UserName=names.MANAGER)
    iam.update_assume_role_policy(
        RoleName=names.INSTANCE_ROLE, PolicyDocument=trust_of({"AWS": "*"})
    )
    policies = iam.list_policies(Scope="Local")["Policies"]
    (instance_policy,) = [
        policy["Arn"] for policy in policies if policy["PolicyName"] == names.INSTANCE_POLICY
    ]
    everything_allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.create_policy_version(
        PolicyArn=instance_policy,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything_allowed]}),
        SetAsDefault=True,
    )


def add_by_hand(client: Client, security_group_id: str) -> tuple[str, str]:
    """Open a port and create a key; return the ids of the rule and of the key."""
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    answer = client("ec2").authorize_security_group_ingress(
        GroupId=security_group_id, IpPermissions=[{**https, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    key = client("iam").create_access_key(UserName=names.MANAGER)
    return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"], key["AccessKey"]["AccessKeyId"]


def test_the_role_of_the_pipeline_allows_every_call_of_its_steps(
    deployed_stack: PolicyStack,
) -> None:
    paths = learnt_paths(calls(deployed_stack.calls_folder))
    asked = needs(deployed_stack.pipeline_calls(), paths=paths)
    assert {"ec2:CreateVpc", "iam:PassRole", "s3:PutObject"} <= {need.action for need in asked}
    # the first update creates the boundaries, so it needs the administrator's policy too
    by_administrator = refused(asked, role_documents())
    assert all("-boundary " in call for call in by_administrator), by_administrator
    assert refused(asked, (*role_documents(), setup_document())) == []
