"""A small copy of the program's stack that passes every rule."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from infra import catalogue, context, names
from infra.account import AccountIdentity
from infra.permissions import flow_logs, instance, manager
from infra.permissions.statements import Statement, document, documents
from infra.settings import Settings
from policies import resource_types
from tests.policies.pack_server import FakeResource

ACCOUNT = "123456789012"
POLICY_CONTEXT = context.policy_context(
    Settings(), AccountIdentity(partition="aws", account_id=ACCOUNT), vpc_id="vpc-0123456789abcdef0"
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


def _policy(name: str, statements: Sequence[Statement]) -> FakeResource:
    props = {"name": name, "arn": policy_arn(name), "policy": document(statements)}
    return FakeResource(type=catalogue.POLICY.name, name=name, props=props)


VPC = FakeResource(
    type=catalogue.VPC.name,
    name="sandbox-vpc",
    props={
        "id": POLICY_CONTEXT.vpc_id,
        "ownerId": ACCOUNT,
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
    type=catalogue.INTERNET_GATEWAY.name,
    name="sandbox-vpc",
    props={"id": "igw-0123456789abcdef0", "vpcId": POLICY_CONTEXT.vpc_id},
    dependencies={"vpcId": [VPC]},
)
TABLE = FakeResource(
    type=catalogue.ROUTE_TABLE.name,
    name="public",
    props={"id": "rtb-0123456789abcdef0", "vpcId": POLICY_CONTEXT.vpc_id},
    dependencies={"vpcId": [VPC]},
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
        "vpcId": POLICY_CONTEXT.vpc_id,
        "cidrBlock": "10.100.0.0/24",
        "availabilityZone": "us-east-1a",
    },
    dependencies={"vpcId": [VPC]},
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
    props={
        "vpcId": POLICY_CONTEXT.vpc_id,
        "routeTableIds": ["rtb-0123456789abcdef0"],
        "serviceName": "com.amazonaws.us-east-1.s3",
        "vpcEndpointType": "Gateway",
    },
    dependencies={"vpcId": [VPC], "routeTableIds": [TABLE]},
)
LOG_GROUP = FakeResource(
    type=catalogue.LOG_GROUP.name,
    name="flow-logs",
    props={
        "name": names.FLOW_LOG_GROUP,
        "arn": POLICY_CONTEXT.log_group(names.FLOW_LOG_GROUP),
        "retentionInDays": 365,
    },
)
FLOW_LOGS_BOUNDARY = _policy(
    names.FLOW_LOGS_BOUNDARY, flow_logs.boundary(POLICY_CONTEXT.log_group(names.FLOW_LOG_GROUP))
)
FLOW_LOGS_ROLE = FakeResource(
    type=catalogue.ROLE.name,
    name=names.FLOW_LOGS,
    props={
        "name": names.FLOW_LOGS,
        "arn": POLICY_CONTEXT.iam(f"role/{names.FLOW_LOGS}"),
        "assumeRolePolicy": trust_of(
            {"Service": "vpc-flow-logs.amazonaws.com"},
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        ),
        "permissionsBoundary": policy_arn(names.FLOW_LOGS_BOUNDARY),
    },
    dependencies={"permissionsBoundary": [FLOW_LOGS_BOUNDARY]},
)
FLOW_LOG = FakeResource(
    type=catalogue.FLOW_LOG.name,
    name=names.FLOW_LOGS,
    props={
        "vpcId": POLICY_CONTEXT.vpc_id,
        "trafficType": "ALL",
        "logDestination": POLICY_CONTEXT.log_group(names.FLOW_LOG_GROUP),
        "iamRoleArn": POLICY_CONTEXT.iam(f"role/{names.FLOW_LOGS}"),
    },
    dependencies={
        "vpcId": [VPC],
        "logDestination": [LOG_GROUP],
        "iamRoleArn": [FLOW_LOGS_ROLE],
    },
)
GROUP = FakeResource(
    type=catalogue.SECURITY_GROUP.name,
    name="sandbox-instances",
    props={
        "id": "sg-0123456789abcdef0",
        "vpcId": POLICY_CONTEXT.vpc_id,
        "name": "sandbox-instances",
        "description": "Security group of the sandboxes",
    },
    dependencies={"vpcId": [VPC]},
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
        "securityGroupId": "sg-0123456789abcdef0",
    },
    dependencies={"securityGroupId": [GROUP]},
)
EGRESS = FakeResource(
    type=catalogue.EGRESS_RULE.name,
    name="sandbox-all-outbound",
    props={
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "-1",
        "description": "Allow all outbound",
        "securityGroupId": "sg-0123456789abcdef0",
    },
    dependencies={"securityGroupId": [GROUP]},
)
PREFIX_LIST = FakeResource(
    type=catalogue.PREFIX_LIST.name,
    name="sandbox-ssh",
    props={"id": "pl-0123456789abcdef0", "entries": [{"cidr": "203.0.113.0/24"}]},
)

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
        "createDate": f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ}",  # the provider's form
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
    *(LOG_GROUP, FLOW_LOGS_BOUNDARY, FLOW_LOGS_ROLE, FLOW_LOG, GROUP, INGRESS, EGRESS),
    *(MANAGER_POLICY, MANAGER_BOUNDARY, INSTANCE_POLICY, INSTANCE_BOUNDARY),
    *(USER, USER_ATTACHMENT, KEY, ROLE, ROLE_ATTACHMENT, PROFILE),
)


ORGANIZATION = policy_arn("organization")
"""The boundary of an organization."""


def _under_organization() -> tuple[FakeResource, ...]:
    """`ALL` with the setting `permissions_boundary`."""
    boundaries = (MANAGER_BOUNDARY, INSTANCE_BOUNDARY, FLOW_LOGS_BOUNDARY)
    bounded = replace(POLICY_CONTEXT, permissions_boundary=ORGANIZATION)
    group = bounded.log_group(names.FLOW_LOG_GROUP)
    flow_logs_policy = _policy(names.FLOW_LOGS, flow_logs.policy(bounded, group))
    added = [
        flow_logs_policy,
        FakeResource(
            type=catalogue.ROLE_POLICY_ATTACHMENT.name,
            name=names.FLOW_LOGS,
            props={"role": names.FLOW_LOGS, "policyArn": policy_arn(names.FLOW_LOGS)},
            dependencies={"policyArn": [flow_logs_policy], "role": [FLOW_LOGS_ROLE]},
        ),
    ]
    texts: dict[str, str] = {}
    for policy, attachment, statements in (
        (MANAGER_POLICY, USER_ATTACHMENT, manager.policy(bounded)),
        (INSTANCE_POLICY, ROLE_ATTACHMENT, instance.policy(bounded)),
    ):
        first, *others = documents(statements)
        texts[policy.name] = first
        for number, text in enumerate(others, start=2):
            name = f"{policy.name}-{number}"
            part = policy.having(name=name, arn=policy_arn(name), policy=text)
            added += [
                replace(part, name=name),
                replace(attachment.having(policyArn=policy_arn(name)), name=name),
            ]
    return (
        *(
            resource.having(policy=texts[resource.name])
            if resource.type == catalogue.POLICY.name
            else resource.having(permissionsBoundary=ORGANIZATION)
            if "permissionsBoundary" in resource.props
            else resource
            for resource in ALL
            if resource not in boundaries
        ),
        *added,
    )


UNDER_ORGANIZATION = _under_organization()


def without(*removed: FakeResource) -> tuple[FakeResource, ...]:
    return tuple(resource for resource in ALL if resource not in removed)


def swapped(old: FakeResource, new: FakeResource) -> tuple[FakeResource, ...]:
    return tuple(new if resource is old else resource for resource in ALL)
