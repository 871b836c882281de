"""Mutants that reach others' resources: by id, by another provider, or by an attachment."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import catalogue
from infra.lazy_aws import cloudwatch, ec2, iam, vpc  # the classes that the program uses
from tests.policies.mutation.mutant import Mutant, Program, setting

ACCOUNT: Final = "123456789012"
VPC: Final = "vpc-0aaaaaaaaaaaaaaaa"
GROUP: Final = "sg-0aaaaaaaaaaaaaaaa"
TABLE: Final = "rtb-0aaaaaaaaaaaaaaaa"
SUBNET: Final = "subnet-0aaaaaaaaaaaaaaaa"
SSH: Final[Mapping[str, Any]] = {
    "ip_protocol": "tcp",
    "from_port": 22,
    "to_port": 22,
    "cidr_ipv4": "203.0.113.0/24",
    "description": "SSH",
}
REFERENCES: Final = "references-in-stack"
ATTACHMENTS: Final = "attachments-between-own"
PROVIDERS: Final = "reviewed-providers"
TYPES: Final = "reviewed-types"


def adding(
    make: Callable[..., object], beside: str = catalogue.VPC.name, /, **inputs: Any
) -> Callable[[Program], object]:
    """Add a resource to the component that holds a resource of the type *beside*."""
    return lambda program: make(program.fresh_name(), **inputs, opts=program.beside(beside))


def custom(
    kind: str, inputs: Mapping[str, Any] | None = None, *, id_: str | None = None
) -> Callable[[Program], object]:
    """Add a resource of a type whose SDK is not installed, or read one by its id."""

    def add(program: Program) -> None:
        options = program.beside(catalogue.VPC.name)
        if id_:
            options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(id=id_))
        pulumi.CustomResource(kind, program.fresh_name(), dict(inputs or {}), options)

    return add


STRANGE_TYPES: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "aws-native:ec2:VPC": None,
    "command:local:Command": None,
    "command:remote:Command": None,
    "kubernetes:core/v1:Secret": None,
    "pulumi-python:dynamic:Resource": None,
    "pulumi:pulumi:StackReference": None,
    "random:index/randomPassword:RandomPassword": None,
    "aws:cloudcontrol/resource:Resource": None,
    "aws:cloudformation/stack:Stack": None,
    "aws:ebs/volume:Volume": {"availabilityZone": "us-east-1a", "size": 16384},
    "aws:ec2/eip:Eip": {},
    "aws:ec2/instance:Instance": None,
    "aws:ec2/keyPair:KeyPair": {"publicKey": "ssh-ed25519 AAAA"},
    "aws:ec2/launchTemplate:LaunchTemplate": None,
    "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": {
        "vpcId": VPC,
        "routeTableId": TABLE,
    },
    "aws:ec2/networkAcl:NetworkAcl": {"vpcId": VPC},
    "aws:ec2/securityGroupRule:SecurityGroupRule": {
        "type": "ingress",
        "securityGroupId": GROUP,
        "protocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrBlocks": ["203.0.113.0/24"],
    },
    "aws:ec2/spotFleetRequest:SpotFleetRequest": None,
    "aws:ec2/vpcDhcpOptions:VpcDhcpOptions": None,
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": None,
    "aws:iam/groupMembership:GroupMembership": None,
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": None,
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": None,
    "aws:lambda/function:Function": None,
    "aws:s3/bucketPolicy:BucketPolicy": None,
}
"""Inputs by type; None for a type that the engine's previews cannot run."""


def _from_provider(**arguments: Any) -> Callable[[Program], object]:
    """Add a log group that a second provider creates."""

    def add(program: Program) -> None:
        tags = {
            "Project": "alignment-league",
            "Purpose": "researcher-sandbox",
            "Environment": "production",
        }
        provider = aws.Provider(
            program.fresh_name(), region="us-east-1", default_tags={"tags": tags}, **arguments
        )
        parent = program.beside(catalogue.LOG_GROUP.name).parent
        options = pulumi.ResourceOptions(parent=parent, provider=provider)
        cloudwatch.LogGroup(
            program.fresh_name(), name="/sandbox/flow-logs", retention_in_days=365, opts=options
        )

    return add


def _attaching(identity: str, **inputs: Any) -> Callable[[Program], object]:
    """Attach a policy to a user or role; `own:NAME` is the program's policy of that name."""

    def add(program: Program) -> None:
        arn = inputs["policy_arn"]
        if arn.startswith("own:"):
            arn = program.resource(catalogue.POLICY.name, arn.removeprefix("own:")).arn
        make = iam.UserPolicyAttachment if identity == "user" else iam.RolePolicyAttachment
        options = program.beside(catalogue.USER.name)
        make(program.fresh_name(), **{**inputs, "policy_arn": arn}, opts=options)

    return add


def _provider(**values: Any) -> Mapping[str, Any]:
    return {"type": "pulumi:providers:aws", "values": setting(**values), "alone": True}


def _first(kind: str, **values: Any) -> Mapping[str, Any]:
    return {"type": kind, "values": setting(**values)}


def _trusted_elsewhere(program: Program) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.Role(
        program.fresh_name(),
        name="auditor",
        assume_role_policy=json.dumps(trust),
        opts=program.beside(catalogue.USER.name),
    )


def _same_id_otherwise(program: Program) -> None:
    """Depends on the own VPC but names another: the value counts, not the dependency."""
    vpc_id = program.resource(catalogue.VPC.name).id
    ec2.Subnet(
        program.fresh_name(),
        vpc_id=vpc_id.apply(lambda _: VPC),
        cidr_block="10.100.240.0/24",
        opts=program.beside(catalogue.VPC.name),
    )


MUTANTS: Final[Mapping[str, Mutant]] = {
    # resources of others, by id
    "rule on production's group": Mutant(
        rule=REFERENCES,
        says="securityGroupId",
        adds=adding(vpc.SecurityGroupIngressRule, security_group_id=GROUP, **SSH),
    ),
    "own rule moved to production's group": Mutant(
        rule=REFERENCES,
        says="sandbox-all-outbound: securityGroupId",
        alone=True,
        **_first(catalogue.EGRESS_RULE.name, security_group_id=GROUP),
    ),
    "route in production's table": Mutant(
        rule=REFERENCES,
        says="routeTableId",
        alone=True,
        adds=lambda program: ec2.Route(
            program.fresh_name(),
            route_table_id=TABLE,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=program.resource(catalogue.INTERNET_GATEWAY.name).id,
            opts=program.beside(catalogue.VPC.name),
        ),
    ),
    "route to another gateway": Mutant(
        rule=REFERENCES,
        says="gatewayId",
        **_first(catalogue.ROUTE.name, gateway_id="igw-0aaaaaaaaaaaaaaaa"),
    ),
    "route to a VPN gateway": Mutant(
        rule=REFERENCES,
        says="gatewayId",
        **_first(catalogue.ROUTE.name, gateway_id="vgw-0aaaaaaaaaaaaaaaa"),
    ),
    "production's default group emptied": Mutant(
        rule=REFERENCES,
        says="mutant",
        alone=True,
        adds=adding(ec2.DefaultSecurityGroup, vpc_id=VPC),
    ),
    "own default group left alone": Mutant(
        rule="default-security-group-managed",
        says="does not manage",
        **_first(catalogue.DEFAULT_SECURITY_GROUP.name, vpc_id=VPC),
    ),
    "subnet of production's VPC": Mutant(
        rule=REFERENCES,
        says="vpcId",
        alone=True,
        adds=adding(ec2.Subnet, vpc_id=VPC, cidr_block="10.100.250.0/24"),
    ),
    "VPC named in spite of a dependency": Mutant(
        rule=REFERENCES,
        says="vpcId",
        alone=True,
        adds=_same_id_otherwise,
    ),
    "gateway attached to production's VPC": Mutant(
        rule=REFERENCES,
        says="vpcId",
        adds=adding(ec2.InternetGateway, vpc_id=VPC),
    ),
    "security group of production's VPC": Mutant(
        rule=REFERENCES,
        says="sandbox-instances: vpcId",
        alone=True,
        **_first(catalogue.SECURITY_GROUP.name, vpc_id=VPC),
    ),
    "route table of production's VPC": Mutant(
        rule=REFERENCES,
        says="vpcId",
        alone=True,
        adds=adding(ec2.RouteTable, vpc_id=VPC),
    ),
    "endpoint in production's tables": Mutant(
        rule=REFERENCES,
        says="routeTableIds",
        alone=True,
        **_first(catalogue.VPC_ENDPOINT.name, route_table_ids=[TABLE]),
    ),
    "endpoint of production's VPC": Mutant(
        rule=REFERENCES,
        says="sandbox-vpc-s3: vpcId",
        alone=True,
        **_first(catalogue.VPC_ENDPOINT.name, vpc_id=VPC),
    ),
    "production's subnet behind the own table": Mutant(
        rule=REFERENCES,
        says="subnetId",
        adds=lambda program: ec2.RouteTableAssociation(
            program.fresh_name(),
            subnet_id=SUBNET,
            route_table_id=program.resource(catalogue.ROUTE_TABLE.name).id,
            opts=program.beside(catalogue.VPC.name),
        ),
    ),
    "own subnet behind production's table": Mutant(
        rule=REFERENCES,
        says="routeTableId",
        alone=True,
        **_first(catalogue.ROUTE_TABLE_ASSOCIATION.name, route_table_id=TABLE),
    ),
    "flow log of production's VPC": Mutant(
        rule=REFERENCES,
        says="sandbox-flow-logs: vpcId",
        alone=True,
        **_first(catalogue.FLOW_LOG.name, vpc_id=VPC),
    ),
    "flow log into production's group": Mutant(
        rule=REFERENCES,
        says="logDestination",
        alone=True,
        **_first(
            catalogue.FLOW_LOG.name,
            log_destination=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:production",
        ),
    ),
    "flow log into a stranger's bucket": Mutant(
        rule="properties-as-declared",
        says="logDestinationType",
        alone=True,
        **_first(
            catalogue.FLOW_LOG.name,
            log_destination="arn:aws:s3:::stranger",
            log_destination_type="s3",
        ),
    ),
    "flow log under another role": Mutant(
        rule=REFERENCES,
        says="iamRoleArn",
        alone=True,
        **_first(catalogue.FLOW_LOG.name, iam_role_arn=f"arn:aws:iam::{ACCOUNT}:role/admin"),
    ),
    "key of the user admin": Mutant(
        rule=REFERENCES,
        says="user",
        adds=adding(iam.AccessKey, catalogue.USER.name, user="admin", status="Inactive"),
    ),
    "key of a user that the program reads": Mutant(
        rule=REFERENCES,
        says="is not a User named sandbox-manager",
        engine=False,
        adds=lambda program: iam.AccessKey(
            program.fresh_name(),
            user=iam.User.get("admin", "admin", opts=program.beside(catalogue.USER.name)).name,
            opts=program.beside(catalogue.USER.name),
        ),
    ),
    "SSH from a prefix list that the program reads": Mutant(
        rule=REFERENCES,
        says="is not a ManagedPrefixList named",
        engine=False,
        adds=lambda program: vpc.SecurityGroupIngressRule(
            program.fresh_name(),
            security_group_id=program.resource(catalogue.SECURITY_GROUP.name).id,
            prefix_list_id=ec2.ManagedPrefixList.get(
                "all", "pl-0aaaaaaaaaaaaaaaa", opts=program.beside(catalogue.VPC.name)
            ).id,
            **{key: value for key, value in SSH.items() if key != "cidr_ipv4"},
            opts=program.beside(catalogue.SECURITY_GROUP.name),
        ),
    ),
    "manager's key made for admin": Mutant(
        rule=REFERENCES,
        says="sandbox-manager-a: user",
        alone=True,
        **_first(catalogue.ACCESS_KEY.name, user="admin"),
    ),
    "boundary of another name": Mutant(
        rule="boundary-present",
        says="sandbox-manager: permissionsBoundary",
        **_first(
            catalogue.USER.name,
            permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/developer-boundary",
        ),
    ),
    "boundary of AWS": Mutant(
        rule="boundary-matches-identity",
        says="sandbox-manager: permissionsBoundary",
        **_first(
            catalogue.USER.name,
            permissions_boundary="arn:aws:iam::aws:policy/AdministratorAccess",
        ),
    ),
    "boundary of the same name in another path": Mutant(
        rule="boundary-matches-identity",
        says="sandbox-manager: permissionsBoundary",
        **_first(
            catalogue.USER.name,
            permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/x/sandbox-manager-boundary",
        ),
    ),
    "profile with production's role": Mutant(
        rule=REFERENCES,
        says="sandbox-instance-profile: role",
        **_first(catalogue.INSTANCE_PROFILE.name, role="production"),
    ),
    "profile with the flow logs' role": Mutant(
        rule=REFERENCES,
        says="sandbox-instance-profile: role",
        alone=True,
        **_first(catalogue.INSTANCE_PROFILE.name, role="sandbox-flow-logs"),
    ),
    "second profile": Mutant(
        rule="properties-as-declared",
        says="name",
        alone=True,
        adds=adding(
            iam.InstanceProfile,
            catalogue.USER.name,
            name="production",
            role="sandbox-instance-role",
        ),
    ),
    # other providers and types
    "second provider in another account": Mutant(
        rule=PROVIDERS,
        says="is not the provider of this program",
        alone=True,
        adds=_from_provider(assume_roles=[{"role_arn": "arn:aws:iam::999999999999:role/admin"}]),
    ),
    "second provider with a profile": Mutant(
        rule=PROVIDERS,
        says="is not made by the program's provider",
        alone=True,
        adds=_from_provider(),
    ),
    "program's provider in another account": Mutant(
        rule=PROVIDERS,
        says="assumeRoles",
        **_provider(assume_roles=[{"role_arn": "arn:aws:iam::999999999999:role/admin"}]),
    ),
    "program's provider with another profile": Mutant(
        rule=PROVIDERS, says="profile", **_provider(profile="admin")
    ),
    "program's provider with a key": Mutant(
        rule=PROVIDERS,
        says="accessKey",
        **_provider(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="x" * 40),
    ),
    "program's provider at another endpoint": Mutant(
        rule=PROVIDERS,
        says="endpoints",
        **_provider(endpoints=[{"iam": "https://iam.example.org"}]),
    ),
    "provider that ignores tags": Mutant(
        rule=PROVIDERS, says="ignoreTags", **_provider(ignore_tags={"keys": ["Project"]})
    ),
    "a command's provider": Mutant(
        rule=PROVIDERS,
        says="is not made by",
        engine=False,
        adds=custom("command:local:Command", {"create": "true"}),
    ),
    **{
        kind: Mutant(rule=TYPES, says=kind, engine=inputs is not None, adds=custom(kind, inputs))
        for kind, inputs in STRANGE_TYPES.items()
    },
    # attachments
    "the account's policy on the manager": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching(
            "user", user="sandbox-manager", policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/deploy"
        ),
    ),
    "the account's policy on the sandboxes": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching(
            "role", role="sandbox-instance-role", policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/deploy"
        ),
    ),
    "AWS's policy on the sandboxes": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching(
            "role",
            role="sandbox-instance-role",
            policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        ),
    ),
    "own policy on another's role": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching("role", role="production", policy_arn="own:sandbox-manager-policy"),
    ),
    "own policy on another's user": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching("user", user="admin", policy_arn="own:sandbox-manager-policy"),
    ),
    "sandboxes' policy on the manager": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching("user", user="sandbox-manager", policy_arn="own:sandbox-instance-policy"),
    ),
    "sandboxes' boundary attached to the sandboxes": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching(
            "role", role="sandbox-instance-role", policy_arn="own:sandbox-instance-boundary"
        ),
    ),
    "sandboxes' policy on the flow logs' role": Mutant(
        rule=ATTACHMENTS,
        says="mutant",
        adds=_attaching("role", role="sandbox-flow-logs", policy_arn="own:sandbox-instance-policy"),
    ),
    "inline policy of the sandboxes' role": Mutant(
        rule=REFERENCES,
        says="role",
        alone=True,
        adds=adding(
            iam.RolePolicy,
            catalogue.USER.name,
            name="sandbox-budget",
            role="sandbox-instance-role",
            policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
        ),
    ),
    "inline policy with every right": Mutant(
        rule="grants-as-declared",
        says="is not an action that this document may allow",
        alone=True,
        adds=adding(
            iam.RolePolicy,
            catalogue.USER.name,
            name="sandbox-budget",
            role="sandbox-instance-role",
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
                }
            ),
        ),
    ),
    "managed policies in the role itself": Mutant(
        rule="properties-as-declared",
        says="managedPolicyArns",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(managed_policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
    ),
    "inline policies in the role itself": Mutant(
        rule="properties-as-declared",
        says="inlinePolicies",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(inline_policies=[{"name": "x", "policy": "{}"}]),
    ),
    "role of an auditor": Mutant(
        rule="trust-policy-scoped", says="999999999999", adds=_trusted_elsewhere
    ),
}
