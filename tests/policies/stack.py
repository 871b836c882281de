"""A small copy of the program's stack, which passes every rule."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from infra import catalogue, context
from infra.account import Identity
from infra.permissions import instance, manager
from infra.permissions.statements import Statement, document
from infra.settings import Settings
from policies import resource_types
from tests.policies.pack_server import FakeResource

ACCOUNT = "123456789012"
POLICY_CONTEXT = context.policy_context(
    Settings(), Identity(partition="aws", account_id=ACCOUNT), vpc_id="vpc-0123456789abcdef0"
)


def policy_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def trust_of(principal: object, condition: object = None, action: str = "sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allowing(*actions: str, on: str = "arn:aws:s3:::x", when: object = None) -> str:
    """A document with one statement."""
    statement: dict[str, object] = {"Effect": "Allow", "Action": actions, "Resource": on}
    if when:
        statement["Condition"] = when
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def edited(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    """The document after *change*, which edits the parsed document in place."""
    content = json.loads(text)
    change(content)
    return json.dumps(content)


VPC = FakeResource(
    type=catalogue.VPC.name,
    name="sandbox-vpc",
    props={
        "id": POLICY_CONTEXT.vpc_id,
        "cidrBlock": "10.100.0.0/16",
        "enableDnsSupport": True,
        "tags": {"Name": "sandbox-vpc"},
    },
)
DEFAULT_GROUP = FakeResource(
    type=catalogue.DEFAULT_SECURITY_GROUP.name,
    name="sandbox-vpc-default",
    props={"vpcId": POLICY_CONTEXT.vpc_id, "ingress": [], "egress": []},
    dependencies={"vpcId": [VPC]},
)
GATEWAY = FakeResource(
    type=catalogue.INTERNET_GATEWAY.name, props={"id": "igw-0123456789abcdef0"}, name="sandbox-vpc"
)
TABLE = FakeResource(
    type=catalogue.ROUTE_TABLE.name, props={"id": "rtb-0123456789abcdef0"}, name="public"
)
ROUTE = FakeResource(
    type=catalogue.ROUTE.name,
    name="internet",
    props={
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": "igw-0123456789abcdef0",
        "routeTableId": "rtb-0123456789abcdef0",
    },
    dependencies={"gatewayId": [GATEWAY], "routeTableId": [TABLE]},
)
SUBNET = FakeResource(
    type=catalogue.SUBNET.name,
    name="sandbox-public-us-east-1a",
    props={
        "id": "subnet-0123456789abcdef0",
        "cidrBlock": "10.100.0.0/24",
        "availabilityZone": "us-east-1a",
    },
)
ASSOCIATION = FakeResource(
    type=catalogue.ROUTE_TABLE_ASSOCIATION.name,
    name="us-east-1a",
    props={"subnetId": "subnet-0123456789abcdef0", "routeTableId": "rtb-0123456789abcdef0"},
    dependencies={"subnetId": [SUBNET], "routeTableId": [TABLE]},
)
ENDPOINT = FakeResource(
    type=catalogue.VPC_ENDPOINT.name,
    name="s3",
    props={"serviceName": "com.amazonaws.us-east-1.s3", "vpcEndpointType": "Gateway"},
)
FLOW_LOG = FakeResource(
    type=catalogue.FLOW_LOG.name,
    name="sandbox-flow-logs",
    props={"vpcId": POLICY_CONTEXT.vpc_id, "trafficType": "ALL"},
    dependencies={"vpcId": [VPC]},
)
LOG_GROUP = FakeResource(
    type=catalogue.LOG_GROUP.name, name="flow-logs", props={"retentionInDays": 365}
)
GROUP = FakeResource(
    type=catalogue.SECURITY_GROUP.name,
    name="sandbox-instances",
    props={"name": "sandbox-instances", "description": "Security group of the sandboxes"},
)
INGRESS = FakeResource(
    type=catalogue.INGRESS_RULE.name,
    name="sandbox-ssh-inbound",
    props={
        "cidrIpv4": "203.0.113.0/24",
        "description": "Allow SSH access from researchers",
        "fromPort": 22,
        "ipProtocol": "tcp",
        "toPort": 22,
    },
)
EGRESS = FakeResource(
    type=catalogue.EGRESS_RULE.name,
    name="sandbox-all-outbound",
    props={"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1", "description": "Allow all outbound"},
)
PREFIX_LIST = FakeResource(
    type=catalogue.PREFIX_LIST.name,
    name="sandbox-ssh",
    props={"id": "pl-0123456789abcdef0", "entries": [{"cidr": "203.0.113.0/24"}]},
)


def _policy(name: str, statements: Sequence[Statement]) -> FakeResource:
    props = {"name": name, "arn": policy_arn(name), "policy": document(statements)}
    return FakeResource(type=catalogue.POLICY.name, name=name, props=props)


MANAGER_POLICY = _policy("sandbox-manager-policy", manager.policy(POLICY_CONTEXT))
MANAGER_BOUNDARY = _policy("sandbox-manager-boundary", manager.boundary(POLICY_CONTEXT))
INSTANCE_POLICY = _policy("sandbox-instance-policy", instance.policy(POLICY_CONTEXT))
INSTANCE_BOUNDARY = _policy("sandbox-instance-boundary", instance.boundary(POLICY_CONTEXT))
USER = FakeResource(
    type=catalogue.USER.name,
    name="sandbox-manager",
    props={
        "name": "sandbox-manager",
        "path": "/service/",
        "permissionsBoundary": policy_arn("sandbox-manager-boundary"),
    },
    dependencies={"permissionsBoundary": [MANAGER_BOUNDARY]},
)
USER_ATTACHMENT = FakeResource(
    type=catalogue.USER_POLICY_ATTACHMENT.name,
    name="sandbox-manager",
    props={"user": "sandbox-manager", "policyArn": policy_arn("sandbox-manager-policy")},
    dependencies={"policyArn": [MANAGER_POLICY], "user": [USER]},
)
KEY = FakeResource(
    type=catalogue.ACCESS_KEY.name,
    name="sandbox-manager",
    props={
        "user": "sandbox-manager",
        "status": "Active",
        "createDate": f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ}",  # as the provider writes it
    },
    secret_outputs=("secret", "sesSmtpPasswordV4"),
    dependencies={"user": [USER]},
)
ROLE = FakeResource(
    type=catalogue.ROLE.name,
    name="sandbox-instance-role",
    props={
        "name": "sandbox-instance-role",
        "assumeRolePolicy": trust_of({"Service": "ec2.amazonaws.com"}),
        "permissionsBoundary": policy_arn("sandbox-instance-boundary"),
    },
    dependencies={"permissionsBoundary": [INSTANCE_BOUNDARY]},
)
ROLE_ATTACHMENT = FakeResource(
    type=catalogue.ROLE_POLICY_ATTACHMENT.name,
    name="sandbox-instance-role",
    props={"role": "sandbox-instance-role", "policyArn": policy_arn("sandbox-instance-policy")},
    dependencies={"policyArn": [INSTANCE_POLICY], "role": [ROLE]},
)
PROFILE = FakeResource(
    type=catalogue.INSTANCE_PROFILE.name,
    name="sandbox-instance-profile",
    props={"name": "sandbox-instance-profile", "role": "sandbox-instance-role"},
    dependencies={"role": [ROLE]},
)
OUTPUTS = FakeResource(
    type=resource_types.STACK,
    name="sandbox-dev",
    parents="",
    provider=None,
    props={"vpc_id": POLICY_CONTEXT.vpc_id, "public_subnet_ids": ["subnet-0123456789abcdef0"]},
)
ALL: tuple[FakeResource, ...] = (
    *(OUTPUTS, VPC, DEFAULT_GROUP, GATEWAY, TABLE, ROUTE, SUBNET, ASSOCIATION, ENDPOINT),
    *(FLOW_LOG, LOG_GROUP, GROUP, INGRESS, EGRESS),
    *(MANAGER_POLICY, MANAGER_BOUNDARY, INSTANCE_POLICY, INSTANCE_BOUNDARY),
    *(USER, USER_ATTACHMENT, KEY, ROLE, ROLE_ATTACHMENT, PROFILE),
)


def without(*removed: FakeResource) -> tuple[FakeResource, ...]:
    return tuple(resource for resource in ALL if resource not in removed)


def swapped(old: FakeResource, new: FakeResource) -> tuple[FakeResource, ...]:
    return tuple(new if resource is old else resource for resource in ALL)
