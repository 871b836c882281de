"""Single changes to the running program, each of which the pack must stop.

They are made from outside: a transformation changes what the program registers, and an addition
registers more after it. The program itself knows nothing of them.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.lazy_aws import cloudwatch, ec2, iam, vpc  # as the program has them
from policies import resource_types as kinds

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """What the program has registered so far: resources and their parents, by type and name."""

    made: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    parents: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    added: list[str] = field(default_factory=list[str])

    def fresh_name(self) -> str:
        """For one more resource of a mutant."""
        self.added.append(f"mutant-{len(self.added) + 1}")
        return self.added[-1]

    def of(self, kind: str, name: str = "") -> Any:
        return next(
            one for (own, called), one in self.made.items() if own == kind and name in ("", called)
        )

    def beside(self, kind: str, name: str = "") -> pulumi.ResourceOptions:
        """Options for a resource in the same component as this one."""
        key = next(key for key in self.made if key[0] == kind and name in ("", key[1]))
        return pulumi.ResourceOptions(parent=self.parents[key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change, and the rule that has to stop it."""

    rule: str
    also: Collection[str] = ()
    """Other rules that it breaks too."""
    kind: str = ""
    """The type whose resources change; the first, or the one called *name*."""
    name: str = ""
    values: Callable[[Values], object] | None = None
    options: Mapping[str, Any] | None = None
    adds: Callable[[Program], object] | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the stack's config says otherwise."""
    fresh: bool = False
    """It changes nothing where the resource already exists, so it is previewed in a new stack."""
    alone: bool = False
    """It replaces or removes what other mutants change, so it shares a preview with none."""


def _set(**values: Any) -> Callable[[Values], object]:
    return lambda props: props.update(values)


def _document(edit: Callable[[Values], object], key: str = "policy") -> Callable[[Values], object]:
    """Edit the policy document when it is known, and leave the rest of the resource."""

    def change(props: Values) -> None:
        def edited(text: str) -> str:
            content = json.loads(text)
            edit(content)
            return json.dumps(content)

        props[key] = pulumi.Output.from_input(props[key]).apply(edited)

    return change


def _statement(content: Values, action: str, **condition: str) -> Values:
    """The statement that allows *action* (with such a condition, where several do)."""
    for one in content["Statement"]:
        actions = one.get("Action", ())
        keys = json.dumps(one.get("Condition", {}))
        listed = [actions] if isinstance(actions, str) else actions
        if one["Effect"] == "Allow" and action in listed and condition.get("having", "") in keys:
            return one
    raise LookupError(f"no statement allows {action}: the mutant no longer fits the program")


def _without(action: str, key: str) -> Callable[[Values], object]:
    """The document whose statement for *action* has lost the condition *key*."""

    def edit(content: Values) -> None:
        condition = _statement(content, action, having=key)["Condition"]
        for operator in list(condition):
            condition[operator].pop(key, None)
            if not condition[operator]:
                del condition[operator]

    return _document(edit)


def _with(action: str, **parts: Any) -> Callable[[Values], object]:
    return _document(lambda content: _statement(content, action).update(parts))


def _more(statement: Values) -> Callable[[Values], object]:
    return _document(lambda content: content["Statement"].append({"Effect": "Allow", **statement}))


def _no_not_action(content: Values) -> None:
    content["Statement"] = [one for one in content["Statement"] if "NotAction" not in one]


def _ingress(**values: Any) -> Callable[[Program], object]:
    full: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, **values}

    def add(program: Program) -> None:
        group = program.of(kinds.GROUP)
        vpc.SecurityGroupIngressRule(
            program.fresh_name(),
            security_group_id=group.id,
            description=program.fresh_name(),
            **full,
            opts=program.beside(kinds.GROUP),
        )

    return add


def _in_network(make: Callable[..., object], **inputs: Any) -> Callable[[Program], object]:
    """Add a resource of the network component that takes the VPC's id."""

    def add(program: Program) -> None:
        own = program.of(kinds.VPC).id
        make(program.fresh_name(), vpc_id=own, **inputs, opts=program.beside(kinds.VPC))

    return add


MANAGER: Final[Mapping[str, Any]] = {"kind": kinds.POLICY, "name": "sandbox-manager-policy"}
SANDBOX: Final[Mapping[str, Any]] = {"kind": kinds.POLICY, "name": "sandbox-instance-policy"}
RUN: Final = "ec2:RunInstances"
ADMIN: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
WORLD_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


def _peering(program: Program) -> None:
    own = program.of(kinds.VPC).id
    ec2.VpcPeeringConnection(
        program.fresh_name(), vpc_id=own, peer_vpc_id="vpc-0a1b2c3d", opts=program.beside(kinds.VPC)
    )


def _peering_route(program: Program) -> None:
    ec2.Route(
        program.fresh_name(),
        route_table_id=program.of(kinds.ROUTE_TABLE).id,
        destination_cidr_block="10.0.0.0/16",
        vpc_peering_connection_id="pcx-0a1b2c3d",
        opts=program.beside(kinds.VPC),
    )


def _stray_subnet(program: Program) -> None:
    ec2.Subnet(
        program.fresh_name(),
        vpc_id=program.of(kinds.VPC).id,
        cidr_block="10.100.250.0/24",
        opts=program.beside(kinds.VPC),
    )


def _second_key(program: Program) -> None:
    user = program.of(kinds.USER)
    iam.AccessKey(program.fresh_name(), user=user.name, opts=program.beside(kinds.USER))


def _attach_to_manager(arn: Callable[[Program], Any]) -> Callable[[Program], object]:
    def add(program: Program) -> None:
        user = program.of(kinds.USER).name
        where = program.beside(kinds.USER)
        iam.UserPolicyAttachment(
            program.fresh_name(), user=user, policy_arn=arn(program), opts=where
        )

    return add


def _managers_policy_for_sandboxes(program: Program) -> None:
    iam.RolePolicyAttachment(
        program.fresh_name(),
        role=program.of(kinds.ROLE, "sandbox-instance-role").name,
        policy_arn=program.of(kinds.POLICY, "sandbox-manager-policy").arn,
        opts=program.beside(kinds.ROLE, "sandbox-instance-role"),
    )


def _inline(program: Program) -> None:
    user = program.of(kinds.USER)
    text = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.UserPolicy(
        program.fresh_name(), user=user.name, policy=text, opts=program.beside(kinds.USER)
    )


def _console(program: Program) -> None:
    user = program.of(kinds.USER)
    iam.UserLoginProfile(program.fresh_name(), user=user.name, opts=program.beside(kinds.USER))


def _plain_secret(program: Program) -> None:
    key = program.of(kinds.ACCESS_KEY)
    pulumi.export("note", pulumi.Output.unsecret(key.secret))


def _stray(program: Program) -> None:
    provider = program.of("pulumi:providers:aws")
    cloudwatch.LogGroup(
        program.fresh_name(), retention_in_days=365, opts=pulumi.ResourceOptions(provider=provider)
    )


def _other_provider(program: Program) -> None:
    tags = {"Project": "alignment-league", "Purpose": "researcher-sandbox"}
    provider = aws.Provider(
        program.fresh_name(),
        region="eu-west-1",
        default_tags={"tags": {**tags, "Environment": "production"}},
    )
    parent = program.beside(kinds.LOG_GROUP).parent
    options = pulumi.ResourceOptions(parent=parent, provider=provider)
    cloudwatch.LogGroup(program.fresh_name(), retention_in_days=365, opts=options)


def _instance(**inputs: Any) -> Callable[[Program], object]:
    full: dict[str, Any] = {
        "metadata_options": {"http_tokens": "required"},
        "root_block_device": {"encrypted": True},
        **inputs,
    }

    def add(program: Program) -> None:
        ec2.Instance(
            program.fresh_name(),
            ami="ami-0123456789abcdef0",
            instance_type="g5.12xlarge",
            **full,
            opts=program.beside(kinds.VPC),
        )

    return add


def _public_image(program: Program) -> None:
    where = program.beside(kinds.VPC)
    ec2.AmiLaunchPermission(
        program.fresh_name(), image_id="ami-0123456789abcdef0", group="all", opts=where
    )


def _volume(program: Program) -> None:
    from pulumi_aws import ebs  # noqa: PLC0415 - one mutant of many

    where = program.beside(kinds.VPC)
    ebs.Volume(
        program.fresh_name(), availability_zone="us-east-1a", size=8, encrypted=False, opts=where
    )


EC2_RULES: Final = (
    "control-own-instances",
    "launch-carries-user-id",
    "launch-encrypted",
    "launch-imdsv2",
    "launch-in-vpc",
    "launch-own-images",
    "launch-with-profile",
    "marks-stay",
    "writes-scoped",
)
"""What a statement breaks that allows all of EC2."""
MUTANTS: Final[Mapping[str, Mutant]] = {
    # network
    "second VPC": Mutant(
        rule="one-vpc",
        also=(
            "default-group-adopted",
            "flow-logs-present",
            "protected-in-production",
            "vpc-cidr-as-configured",
        ),
        adds=lambda program: ec2.Vpc(
            program.fresh_name(), cidr_block="10.200.0.0/16", opts=program.beside(kinds.VPC)
        ),
    ),
    "VPC over the main network": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        kind=kinds.VPC,
        values=_set(cidr_block="10.0.0.0/16"),
    ),
    "wider VPC": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        kind=kinds.VPC,
        values=_set(cidr_block="10.100.0.0/15"),
    ),
    "IPv6 beside it": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        kind=kinds.VPC,
        values=_set(assign_generated_ipv6_cidr_block=True),
    ),
    "subnet outside": Mutant(
        rule="subnet-inside-vpc", kind=kinds.SUBNET, values=_set(cidr_block="10.0.7.0/24")
    ),
    "peering": Mutant(rule="no-other-network", also=("reviewed-types",), adds=_peering),
    "VPN gateway": Mutant(
        rule="no-other-network", also=("reviewed-types",), adds=_in_network(ec2.VpnGateway)
    ),
    "NAT gateway": Mutant(
        rule="no-other-network",
        also=("reviewed-types",),
        adds=lambda program: ec2.NatGateway(
            program.fresh_name(),
            subnet_id=program.of(kinds.SUBNET).id,
            connectivity_type="private",
            opts=program.beside(kinds.VPC),
        ),
    ),
    "PrivateLink": Mutant(
        rule="gateway-endpoints-only",
        adds=_in_network(
            ec2.VpcEndpoint,
            vpc_endpoint_type="Interface",
            service_name="com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
        ),
    ),
    "interface endpoint instead of S3's gateway": Mutant(
        rule="gateway-endpoints-only",
        kind=kinds.ENDPOINT,
        values=_set(vpc_endpoint_type="Interface", route_table_ids=None),
    ),
    "default route into an interface": Mutant(
        rule="routes-to-internet-only",
        also=("subnets-use-the-public-table",),
        kind=kinds.ROUTE,
        values=_set(gateway_id=None, network_interface_id="eni-0123456789abcdef0"),
    ),
    "route into a peering": Mutant(rule="routes-to-internet-only", adds=_peering_route),
    "subnet without the public table": Mutant(
        rule="subnets-use-the-public-table", adds=_stray_subnet
    ),
    "default group lets its members talk": Mutant(
        rule="default-group-closed",
        kind=kinds.DEFAULT_GROUP,
        values=_set(
            ingress=[{"protocol": "-1", "self": True, "from_port": 0, "to_port": 0}],
        ),
    ),
    "no flow logs": Mutant(rule="flow-logs-present", alone=True, config={"flow_logs": False}),
    "flow log of a subnet only": Mutant(
        rule="flow-logs-present",
        kind=kinds.FLOW_LOG,
        values=_set(vpc_id=None, subnet_id="subnet-0123456789abcdef0"),
    ),
    "flow log of what was refused": Mutant(
        rule="flow-logs-complete", kind=kinds.FLOW_LOG, values=_set(traffic_type="REJECT")
    ),
    # ingress
    "port 443 opened": Mutant(
        rule="ingress-only-ssh",
        adds=_ingress(from_port=443, to_port=443, cidr_ipv4="203.0.113.0/24"),
    ),
    "all ports": Mutant(
        rule="ingress-only-ssh", kind=kinds.INGRESS, values=_set(from_port=0, to_port=65535)
    ),
    "all protocols": Mutant(
        rule="ingress-only-ssh",
        kind=kinds.INGRESS,
        values=_set(ip_protocol="-1", from_port=None, to_port=None),
    ),
    "SSH from the IPv6 world": Mutant(
        rule="ssh-from-configured-networks", adds=_ingress(cidr_ipv6="::/0")
    ),
    "SSH from a group": Mutant(
        rule="ssh-from-configured-networks",
        adds=_ingress(referenced_security_group_id="sg-0123456789abcdef0"),
    ),
    "SSH from somebody's prefix list": Mutant(
        rule="ssh-prefix-list-is-own", adds=_ingress(prefix_list_id="pl-0123456789abcdef0")
    ),
    "inline rule": Mutant(
        rule="no-inline-group-rules",
        kind=kinds.GROUP,
        values=_set(
            ingress=[
                {
                    "protocol": "tcp",
                    "from_port": 3389,
                    "to_port": 3389,
                    "cidr_blocks": ["0.0.0.0/0"],
                }
            ]
        ),
    ),
    "rule without a description": Mutant(
        rule="group-rules-described", kind=kinds.INGRESS, values=_set(description=None)
    ),
    # permissions
    "manager may do everything in EC2": Mutant(
        rule="no-wildcard-actions",
        also=EC2_RULES,
        **MANAGER,
        values=_more({"Action": "ec2:*", "Resource": "*"}),
    ),
    "sandbox may do everything": Mutant(
        rule="no-wildcard-actions",
        also=(*EC2_RULES, "pass-role-scoped", "services-as-declared"),
        **SANDBOX,
        values=_more({"Action": "*", "Resource": "*"}),
    ),
    "manager makes access keys": Mutant(
        rule="no-iam-changes",
        **MANAGER,
        values=_more({"Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::*:user/x"}),
    ),
    "sandbox launches instances": Mutant(
        rule="services-as-declared",
        also=("launch-carries-user-id", "launch-imdsv2", "launch-with-profile"),
        **SANDBOX,
        values=_more({"Action": RUN, "Resource": "arn:aws:ec2:*:*:instance/*"}),
    ),
    "any role passed": Mutant(
        rule="pass-role-scoped",
        **MANAGER,
        values=_with("iam:PassRole", Resource="arn:aws:iam::*:role/*"),
    ),
    "role passed to any service": Mutant(
        rule="pass-role-scoped",
        **MANAGER,
        values=_without("iam:PassRole", "iam:PassedToService"),
    ),
    "manager changes every instance": Mutant(
        rule="writes-scoped",
        also=("marks-stay",),
        **MANAGER,
        values=_more({"Action": "ec2:ModifyInstanceAttribute", "Resource": "*"}),
    ),
    "launch without user_id": Mutant(
        rule="launch-carries-user-id", **MANAGER, values=_without(RUN, "aws:RequestTag/user_id")
    ),
    "launch without the profile": Mutant(
        rule="launch-with-profile", **MANAGER, values=_without(RUN, "ec2:InstanceProfile")
    ),
    "launch into any VPC": Mutant(rule="launch-in-vpc", **MANAGER, values=_without(RUN, "ec2:Vpc")),
    "launch with metadata v1": Mutant(
        rule="launch-imdsv2", **MANAGER, values=_without(RUN, "ec2:MetadataHttpTokens")
    ),
    "launch with plain volumes": Mutant(
        rule="launch-encrypted", **MANAGER, values=_without(RUN, "ec2:Encrypted")
    ),
    "launch of anybody's image": Mutant(
        rule="launch-own-images", **MANAGER, values=_without(RUN, "ec2:Owner")
    ),
    "launch from any snapshot": Mutant(
        rule="launch-own-images",
        **MANAGER,
        values=_more({"Action": RUN, "Resource": "arn:aws:ec2:*::snapshot/*"}),
    ),
    "any instance terminated": Mutant(
        rule="control-own-instances",
        **MANAGER,
        values=_without("ec2:TerminateInstances", "ec2:InstanceProfile"),
    ),
    "tags changed later": Mutant(
        rule="marks-stay", **MANAGER, values=_without("ec2:CreateTags", "ec2:CreateAction")
    ),
    "tags removed": Mutant(
        rule="marks-stay",
        **MANAGER,
        values=_more({"Action": "ec2:DeleteTags", "Resource": "arn:aws:ec2:*:*:instance/*"}),
    ),
    "a stranger's bucket": Mutant(
        rule="buckets-of-own-account",
        **SANDBOX,
        values=_without("s3:PutObject", "s3:ResourceAccount"),
    ),
    "boundary keeps silent": Mutant(
        rule="boundary-denies-the-rest",
        kind=kinds.POLICY,
        name="sandbox-manager-boundary",
        values=_document(_no_not_action),
    ),
    # identities
    "manager is admin": Mutant(
        rule="no-aws-managed-policies", adds=_attach_to_manager(lambda _: ADMIN)
    ),
    "boundary attached as a policy": Mutant(
        rule="boundary-is-no-grant",
        adds=_attach_to_manager(
            lambda program: program.of(kinds.POLICY, "sandbox-manager-boundary").arn
        ),
    ),
    "sandboxes with the manager's policy": Mutant(
        rule="policies-stay-with-their-identity", adds=_managers_policy_for_sandboxes
    ),
    "inline policy": Mutant(rule="no-inline-user-policies", adds=_inline),
    "console password": Mutant(rule="no-console-login", also=("reviewed-types",), adds=_console),
    "second key": Mutant(rule="one-access-key", adds=_second_key),
    "anybody takes the sandboxes' role": Mutant(
        rule="trust-is-narrow",
        kind=kinds.ROLE,
        name="sandbox-instance-role",
        values=_set(assume_role_policy=WORLD_TRUST),
    ),
    "manager without a boundary": Mutant(
        rule="boundary-present", kind=kinds.USER, values=_set(permissions_boundary=None)
    ),
    "sandboxes under the manager's boundary": Mutant(
        rule="boundary-present",
        kind=kinds.ROLE,
        name="sandbox-instance-role",
        values=_set(
            permissions_boundary="arn:aws:iam::123456789012:policy/sandbox-manager-boundary"
        ),
    ),
    "profile with another role": Mutant(
        rule="profile-holds-instance-role", kind=kinds.PROFILE, values=_set(role="admin")
    ),
    # instances, images
    "instance with metadata v1": Mutant(
        rule="instances-imdsv2", adds=_instance(metadata_options={"http_tokens": "optional"})
    ),
    "plain volume": Mutant(rule="volumes-encrypted", adds=_volume),
    "public image": Mutant(rule="images-not-public", adds=_public_image),
    "key in user data": Mutant(
        rule="no-secrets-in-user-data", adds=_instance(user_data="export K=AKIAIOSFODNN7EXAMPLE")
    ),
    # tags, data, structure
    "default tags dropped": Mutant(
        rule="tagged", kind="pulumi:providers:aws", values=_set(default_tags=None)
    ),
    "another environment's tag": Mutant(
        rule="tagged",
        also=("names-as-expected",),
        kind=kinds.VPC,
        values=_set(tags={"Environment": "staging"}),
    ),
    "logs for a week": Mutant(
        rule="log-retention", kind=kinds.LOG_GROUP, values=_set(retention_in_days=7)
    ),
    "secret exported in plain": Mutant(rule="secret-outputs", adds=_plain_secret),
    "role renamed": Mutant(
        rule="names-as-expected",
        also=(
            "boundary-present",
            "policies-stay-with-their-identity",
            "profile-holds-instance-role",
            "trust-is-narrow",
        ),
        kind=kinds.ROLE,
        name="sandbox-instance-role",
        values=_set(name="sandbox-role"),
    ),
    "group with a random name": Mutant(
        rule="names-as-expected", fresh=True, kind=kinds.GROUP, values=_set(name=None)
    ),
    "resource outside the components": Mutant(rule="inside-a-component", adds=_stray),
    "VPC no longer protected": Mutant(
        rule="protected-in-production", kind=kinds.VPC, options={"protect": False}
    ),
    "another region": Mutant(rule="configured-region", adds=_other_provider),
    "a type without rules": Mutant(
        rule="reviewed-types",
        adds=lambda program: ec2.Eip(program.fresh_name(), opts=program.beside(kinds.VPC)),
    ),
    "drift of a policy ignored": Mutant(
        rule="no-hidden-drift",
        alone=True,
        kind=kinds.POLICY,
        name="sandbox-manager-policy",
        options={"ignore_changes": ["policy"]},
    ),
}
