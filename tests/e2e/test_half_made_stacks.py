"""Destroy a stack from each prefix of its creation order, and after deletions by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.e2e.account import Client, everything
from tests.e2e.engine_stack import EngineStack

CONFIG: Mapping[str, object] = {
    "monthly_budget_usd": 5,
    "budget_email": "costs@example.org",
    "allowed_ssh_cidrs": [f"10.0.{number}.0/24" for number in range(61)],
    "zones": {"us-east-1a": 0},
}


@pytest.fixture(scope="module")
def before(client: Client) -> Mapping[str, Sequence[str]]:
    return everything(client)


@pytest.fixture(scope="module")
def creation_order(sandbox: EngineStack, before: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The URNs of the resources in the order of creation; leaves the stack deployed."""
    assert before["users"] == []
    sandbox.configure(**CONFIG)
    sandbox.up()
    exported = json.loads(sandbox.pulumi("stack", "export").output)
    return [resource["urn"] for resource in exported["deployment"]["resources"]]


def destroy_from_prefix(sandbox: EngineStack, urns: Sequence[str]) -> None:
    targets = [argument for urn in urns for argument in ("--target", urn)]
    sandbox.up(*targets)
    assert set(urns) <= sandbox.urns().keys()
    sandbox.destroy()
    assert sandbox.urns() == {}


def test_a_stack_is_destroyed_after_most_of_it_was_deleted_by_hand(
    sandbox: EngineStack,
    client: Client,
    before: Mapping[str, Sequence[str]],
    creation_order: Sequence[str],
) -> None:
    assert creation_order
    delete_network_by_hand(client("ec2"), sandbox.outputs())
    delete_identities_by_hand(client("iam"))
    for group in client("logs").describe_log_groups()["logGroups"]:
        client("logs").delete_log_group(logGroupName=group["logGroupName"])
    client("budgets").delete_budget(AccountId="123456789012", BudgetName="sandbox-budget")
    sandbox.destroy("--refresh")
    assert everything(client) == before


def test_a_stack_is_destroyed_from_half_of_its_resources(
    sandbox: EngineStack,
    client: Client,
    before: Mapping[str, Sequence[str]],
    creation_order: Sequence[str],
) -> None:
    destroy_from_prefix(sandbox, creation_order[: len(creation_order) // 2])
    assert everything(client) == before


def delete_network_by_hand(ec2: Any, outputs: Mapping[str, Any]) -> None:
    """Delete the rules, the endpoint, the flow log, the gateway, and the subnets."""
    in_vpc = [{"Name": "vpc-id", "Values": [outputs["vpc_id"]]}]
    group = outputs["security_group_id"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    for rule in rules["SecurityGroupRules"]:
        direction = "egress" if rule["IsEgress"] else "ingress"
        revoke = getattr(ec2, f"revoke_security_group_{direction}")
        revoke(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[entry["VpcEndpointId"] for entry in endpoints])
    flow_logs = ec2.describe_flow_logs()["FlowLogs"]
    ec2.delete_flow_logs(FlowLogIds=[entry["FlowLogId"] for entry in flow_logs])
    for table in ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]:
        if any(association.get("Main") for association in table["Associations"]):
            continue
        for association in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
        ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    attached = [{"Name": "attachment.vpc-id", "Values": [outputs["vpc_id"]]}]
    for gateway in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
        ids = {"InternetGatewayId": gateway["InternetGatewayId"]}
        ec2.detach_internet_gateway(**ids, VpcId=outputs["vpc_id"])
        ec2.delete_internet_gateway(**ids)
    for subnet in outputs["public_subnet_ids"]:
        ec2.delete_subnet(SubnetId=subnet)


def delete_identities_by_hand(iam: Any) -> None:
    """Delete the manager with its key, the profile, the roles, and their policies."""
    user = {"UserName": "sandbox-manager"}
    for key in iam.list_access_keys(**user)["AccessKeyMetadata"]:
        iam.delete_access_key(**user, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(**user)["AttachedPolicies"]:
        iam.detach_user_policy(**user, PolicyArn=policy["PolicyArn"])
    iam.delete_user(**user)
    profile = {"InstanceProfileName": "sandbox-instance-profile"}
    iam.remove_role_from_instance_profile(**profile, RoleName="sandbox-instance-role")
    iam.delete_instance_profile(**profile)
    for role in iam.list_roles()["Roles"]:
        name = {"RoleName": role["RoleName"]}
        for policy in iam.list_attached_role_policies(**name)["AttachedPolicies"]:
            iam.detach_role_policy(**name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(**name)["PolicyNames"]:
            iam.delete_role_policy(**name, PolicyName=policy)
        iam.delete_role(**name)
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        iam.delete_policy(PolicyArn=policy["Arn"])


@pytest.mark.thorough
def test_a_stack_is_destroyed_from_every_prefix(
    sandbox: EngineStack,
    client: Client,
    before: Mapping[str, Sequence[str]],
    creation_order: Sequence[str],
) -> None:
    for length in range(len(creation_order) + 1):
        destroy_from_prefix(sandbox, creation_order[:length])
        assert everything(client) == before, creation_order[:length]
