"""The program's stack in small: everything that the stack rules ask about, and all of it right."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.permissions import instance, manager
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, document
from policies import resource_types as kinds
from tests.policies.view import Made

ACCOUNT = "123456789012"
SCOPE = PolicyContext(
    partition="aws",
    region="us-east-1",
    account_id=ACCOUNT,
    environment="production",
    vpc_id="vpc-0123456789abcdef0",
    ami_id="",
    instance_types=("g5.*",),
    s3_read_buckets=("softmax-*",),
    s3_output_bucket="softmax-sandbox-outputs",
    instances_read_outputs=False,
    log_prefix="/aws/ec2/sandbox/",
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
    """The document after *change*, which edits the parsed one in place."""
    content = json.loads(text)
    change(content)
    return json.dumps(content)


VPC = Made(
    type=kinds.VPC,
    name="sandbox-vpc",
    props={
        "id": SCOPE.vpc_id,
        "cidrBlock": "10.100.0.0/16",
        "enableDnsSupport": True,
        "tags": {"Name": "sandbox-vpc"},
    },
)
DEFAULT_GROUP = Made(
    type=kinds.DEFAULT_GROUP,
    name="sandbox-vpc-default",
    props={"vpcId": SCOPE.vpc_id, "ingress": [], "egress": []},
    wires={"vpcId": [VPC]},
)
GATEWAY = Made(type=kinds.GATEWAY, props={"id": "igw-0123456789abcdef0"}, name="sandbox-vpc")
TABLE = Made(type=kinds.ROUTE_TABLE, props={"id": "rtb-0123456789abcdef0"}, name="public")
ROUTE = Made(
    type=kinds.ROUTE,
    name="internet",
    props={
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": "igw-0123456789abcdef0",
        "routeTableId": "rtb-0123456789abcdef0",
    },
    wires={"gatewayId": [GATEWAY], "routeTableId": [TABLE]},
)
SUBNET = Made(
    type=kinds.SUBNET,
    name="sandbox-public-us-east-1a",
    props={
        "id": "subnet-0123456789abcdef0",
        "cidrBlock": "10.100.0.0/24",
        "availabilityZone": "us-east-1a",
    },
)
ASSOCIATION = Made(
    type=kinds.ROUTE_TABLE_ASSOCIATION,
    name="us-east-1a",
    props={"subnetId": "subnet-0123456789abcdef0", "routeTableId": "rtb-0123456789abcdef0"},
    wires={"subnetId": [SUBNET], "routeTableId": [TABLE]},
)
ENDPOINT = Made(
    type=kinds.ENDPOINT,
    name="s3",
    props={"serviceName": "com.amazonaws.us-east-1.s3", "vpcEndpointType": "Gateway"},
)
FLOW_LOG = Made(
    type=kinds.FLOW_LOG,
    name="sandbox-flow-logs",
    props={"vpcId": SCOPE.vpc_id, "trafficType": "ALL"},
    wires={"vpcId": [VPC]},
)
LOG_GROUP = Made(type=kinds.LOG_GROUP, name="flow-logs", props={"retentionInDays": 365})
GROUP = Made(
    type=kinds.GROUP,
    name="sandbox-instances",
    props={"name": "sandbox-instances", "description": "Security group of the sandboxes"},
)
INGRESS = Made(
    type=kinds.INGRESS,
    name="sandbox-ssh-inbound",
    props={
        "cidrIpv4": "203.0.113.0/24",
        "description": "Allow SSH access from researchers",
        "fromPort": 22,
        "ipProtocol": "tcp",
        "toPort": 22,
    },
)
EGRESS = Made(
    type=kinds.EGRESS,
    name="sandbox-all-outbound",
    props={"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1", "description": "Allow all outbound"},
)
PREFIX_LIST = Made(
    type=kinds.PREFIX_LIST,
    name="sandbox-ssh",
    props={"id": "pl-0123456789abcdef0", "entries": [{"cidr": "203.0.113.0/24"}]},
)


def _policy(name: str, statements: Sequence[Statement]) -> Made:
    props = {"name": name, "arn": policy_arn(name), "policy": document(statements)}
    return Made(type=kinds.POLICY, name=name, props=props)


MANAGER_POLICY = _policy("sandbox-manager-policy", manager.policy(SCOPE))
MANAGER_BOUNDARY = _policy("sandbox-manager-boundary", manager.boundary(SCOPE))
INSTANCE_POLICY = _policy("sandbox-instance-policy", instance.policy(SCOPE))
INSTANCE_BOUNDARY = _policy("sandbox-instance-boundary", instance.boundary(SCOPE))
USER = Made(
    type=kinds.USER,
    name="sandbox-manager",
    props={
        "name": "sandbox-manager",
        "path": "/service/",
        "permissionsBoundary": policy_arn("sandbox-manager-boundary"),
    },
    wires={"permissionsBoundary": [MANAGER_BOUNDARY]},
)
USER_ATTACHMENT = Made(
    type=kinds.USER_ATTACHMENT,
    name="sandbox-manager",
    props={"user": "sandbox-manager", "policyArn": policy_arn("sandbox-manager-policy")},
    wires={"policyArn": [MANAGER_POLICY], "user": [USER]},
)
KEY = Made(
    type=kinds.ACCESS_KEY,
    name="sandbox-manager",
    props={
        "user": "sandbox-manager",
        "status": "Active",
        "createDate": f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ}",  # as the provider writes it
    },
    marked=("secret", "sesSmtpPasswordV4"),
    wires={"user": [USER]},
)
ROLE = Made(
    type=kinds.ROLE,
    name="sandbox-instance-role",
    props={
        "name": "sandbox-instance-role",
        "assumeRolePolicy": trust_of({"Service": "ec2.amazonaws.com"}),
        "permissionsBoundary": policy_arn("sandbox-instance-boundary"),
    },
    wires={"permissionsBoundary": [INSTANCE_BOUNDARY]},
)
ROLE_ATTACHMENT = Made(
    type=kinds.ROLE_ATTACHMENT,
    name="sandbox-instance-role",
    props={"role": "sandbox-instance-role", "policyArn": policy_arn("sandbox-instance-policy")},
    wires={"policyArn": [INSTANCE_POLICY], "role": [ROLE]},
)
PROFILE = Made(
    type=kinds.PROFILE,
    name="sandbox-instance-profile",
    props={"name": "sandbox-instance-profile", "role": "sandbox-instance-role"},
    wires={"role": [ROLE]},
)
OUTPUTS = Made(
    type=kinds.STACK,
    name="sandbox-dev",
    inside="",
    provider=None,
    props={"vpc_id": SCOPE.vpc_id, "public_subnet_ids": ["subnet-0123456789abcdef0"]},
)
ALL: tuple[Made, ...] = (
    *(OUTPUTS, VPC, DEFAULT_GROUP, GATEWAY, TABLE, ROUTE, SUBNET, ASSOCIATION, ENDPOINT),
    *(FLOW_LOG, LOG_GROUP, GROUP, INGRESS, EGRESS),
    *(MANAGER_POLICY, MANAGER_BOUNDARY, INSTANCE_POLICY, INSTANCE_BOUNDARY),
    *(USER, USER_ATTACHMENT, KEY, ROLE, ROLE_ATTACHMENT, PROFILE),
)


def without(*gone: Made) -> tuple[Made, ...]:
    return tuple(one for one in ALL if one not in gone)


def swapped(old: Made, new: Made) -> tuple[Made, ...]:
    return tuple(new if one is old else one for one in ALL)
