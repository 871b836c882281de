"""Single changes of the running program, each of which the pack must stop.

A transformation changes a resource that the program registers; an addition registers one more after
it. The program's own files stay unchanged.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import catalogue
from infra.lazy_aws import cloudwatch, ec2, iam, vpc  # the classes that the program uses

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """The resources that the program has registered, and their parents, by type and name."""

    resources: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    parents: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    added: list[str] = field(default_factory=list[str])

    def fresh_name(self) -> str:
        """A name for one more resource of a mutant."""
        self.added.append(f"mutant-{len(self.added) + 1}")
        return self.added[-1]

    def resource(self, type_: str, name: str = "") -> Any:
        """The first resource of a type, or the one with this name."""
        return self.resources[self._key(type_, name)]

    def beside(self, type_: str, name: str = "") -> pulumi.ResourceOptions:
        """Options for a resource in the same component as that one."""
        return pulumi.ResourceOptions(parent=self.parents[self._key(type_, name)])

    def _key(self, type_: str, name: str) -> tuple[str, str]:
        return next(key for key in self.resources if key[0] == type_ and name in ("", key[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change, and the rule that must stop it."""

    rule: str
    also: Collection[str] = ()
    """Further rules that it breaks."""
    type: str = ""
    """The type of the resource that changes: the first one, or the one named *name*."""
    name: str = ""
    values: Callable[[Values], object] | None = None
    options: Mapping[str, Any] | None = None
    adds: Callable[[Program], object] | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the stack that differ."""
    fresh: bool = False
    """An existing resource hides the change, so it needs the preview of a new stack."""
    alone: bool = False
    """It replaces or removes resources that other mutants change, so it shares no preview."""


def _set(**values: Any) -> Callable[[Values], object]:
    return lambda props: props.update(values)


def _document(edit: Callable[[Values], object], key: str = "policy") -> Callable[[Values], object]:
    """Edit the policy document once it is known."""

    def change(props: Values) -> None:
        def edited(text: str) -> str:
            content = json.loads(text)
            edit(content)
            return json.dumps(content)

        props[key] = pulumi.Output.from_input(props[key]).apply(edited)

    return change


def _statement(content: Values, action: str, having: str = "") -> Values:
    """The statement that allows *action*, with the condition key *having* if given."""
    for statement in content["Statement"]:
        actions = statement.get("Action", ())
        keys = json.dumps(statement.get("Condition", {}))
        allowed = [actions] if isinstance(actions, str) else actions
        if statement["Effect"] == "Allow" and action in allowed and having in keys:
            return statement
    raise LookupError(f"{action}: no statement allows it; adapt the mutant to the program")


def _without(action: str, key: str) -> Callable[[Values], object]:
    """Remove the condition *key* from the statement for *action*."""

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
    content["Statement"] = [
        statement for statement in content["Statement"] if "NotAction" not in statement
    ]


def _ingress(**values: Any) -> Callable[[Program], object]:
    full: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, **values}

    def add(program: Program) -> None:
        group = program.resource(catalogue.SECURITY_GROUP.name)
        vpc.SecurityGroupIngressRule(
            program.fresh_name(),
            security_group_id=group.id,
            description=program.fresh_name(),
            **full,
            opts=program.beside(catalogue.SECURITY_GROUP.name),
        )

    return add


def _in_network(make: Callable[..., object], **inputs: Any) -> Callable[[Program], object]:
    """Add a resource with the VPC's id to the network component."""

    def add(program: Program) -> None:
        vpc_id = program.resource(catalogue.VPC.name).id
        make(program.fresh_name(), vpc_id=vpc_id, **inputs, opts=program.beside(catalogue.VPC.name))

    return add


MANAGER: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-manager-policy",
}
SANDBOX: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-instance-policy",
}
RUN: Final = "ec2:RunInstances"
ADMIN: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
WORLD_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


def _peering_route(program: Program) -> None:
    ec2.Route(
        program.fresh_name(),
        route_table_id=program.resource(catalogue.ROUTE_TABLE.name).id,
        destination_cidr_block="10.0.0.0/16",
        vpc_peering_connection_id="pcx-0a1b2c3d",
        opts=program.beside(catalogue.VPC.name),
    )


def _second_key(program: Program) -> None:
    user = program.resource(catalogue.USER.name)
    iam.AccessKey(program.fresh_name(), user=user.name, opts=program.beside(catalogue.USER.name))


def _attach_to_manager(arn: Callable[[Program], Any]) -> Callable[[Program], object]:
    def add(program: Program) -> None:
        user = program.resource(catalogue.USER.name).name
        where = program.beside(catalogue.USER.name)
        iam.UserPolicyAttachment(
            program.fresh_name(), user=user, policy_arn=arn(program), opts=where
        )

    return add


def _managers_policy_for_sandboxes(program: Program) -> None:
    iam.RolePolicyAttachment(
        program.fresh_name(),
        role=program.resource(catalogue.ROLE.name, "sandbox-instance-role").name,
        policy_arn=program.resource(catalogue.POLICY.name, "sandbox-manager-policy").arn,
        opts=program.beside(catalogue.ROLE.name, "sandbox-instance-role"),
    )


def _plain_secret(program: Program) -> None:
    key = program.resource(catalogue.ACCESS_KEY.name)
    pulumi.export("note", pulumi.Output.unsecret(key.secret))


def _stray(program: Program) -> None:
    provider = program.resource("pulumi:providers:aws")
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
    parent = program.beside(catalogue.LOG_GROUP.name).parent
    options = pulumi.ResourceOptions(parent=parent, provider=provider)
    cloudwatch.LogGroup(program.fresh_name(), retention_in_days=365, opts=options)


RULES_FOR_EC2: Final = (
    "control-sandbox-instances-only",
    "launch-carries-user-id",
    "launch-encrypted",
    "launch-imdsv2",
    "launch-in-vpc",
    "launch-project-images-only",
    "launch-with-profile",
    "tags-immutable",
    "writes-scoped",
)
"""The rules that a statement for all of EC2 breaks."""
MUTANTS: Final[Mapping[str, Mutant]] = {
    # network
    "second VPC": Mutant(
        rule="one-vpc",
        also=(
            "default-security-group-managed",
            "flow-logs-present",
            "protected-in-production",
            "vpc-cidr-as-configured",
        ),
        adds=lambda program: ec2.Vpc(
            program.fresh_name(),
            cidr_block="10.200.0.0/16",
            opts=program.beside(catalogue.VPC.name),
        ),
    ),
    "VPC over the main network": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        type=catalogue.VPC.name,
        values=_set(cidr_block="10.0.0.0/16"),
    ),
    "wider VPC": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        type=catalogue.VPC.name,
        values=_set(cidr_block="10.100.0.0/15"),
    ),
    "IPv6 range": Mutant(
        rule="vpc-cidr-as-configured",
        alone=True,
        type=catalogue.VPC.name,
        values=_set(assign_generated_ipv6_cidr_block=True),
    ),
    "subnet outside": Mutant(
        rule="subnet-inside-vpc", type=catalogue.SUBNET.name, values=_set(cidr_block="10.0.7.0/24")
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
        type=catalogue.VPC_ENDPOINT.name,
        values=_set(vpc_endpoint_type="Interface", route_table_ids=None),
    ),
    "default route into an interface": Mutant(
        rule="routes-to-internet-only",
        also=("subnets-use-public-route-table",),
        type=catalogue.ROUTE.name,
        values=_set(gateway_id=None, network_interface_id="eni-0123456789abcdef0"),
    ),
    "route into a peering": Mutant(rule="routes-to-internet-only", adds=_peering_route),
    "subnet without the public table": Mutant(
        rule="subnets-use-public-route-table",
        adds=_in_network(ec2.Subnet, cidr_block="10.100.250.0/24"),
    ),
    "default group lets its members talk": Mutant(
        rule="default-security-group-empty",
        type=catalogue.DEFAULT_SECURITY_GROUP.name,
        values=_set(ingress=[{"protocol": "-1", "self": True, "from_port": 0, "to_port": 0}]),
    ),
    "no flow logs": Mutant(rule="flow-logs-present", alone=True, config={"flow_logs": False}),
    "flow log of a subnet only": Mutant(
        rule="flow-logs-present",
        type=catalogue.FLOW_LOG.name,
        values=_set(vpc_id=None, subnet_id="subnet-0123456789abcdef0"),
    ),
    "flow log of rejected traffic only": Mutant(
        rule="flow-logs-all-traffic",
        type=catalogue.FLOW_LOG.name,
        values=_set(traffic_type="REJECT"),
    ),
    # ingress
    "port 443 opened": Mutant(
        rule="ingress-only-ssh",
        adds=_ingress(from_port=443, to_port=443, cidr_ipv4="203.0.113.0/24"),
    ),
    "all ports": Mutant(
        rule="ingress-only-ssh",
        type=catalogue.INGRESS_RULE.name,
        values=_set(from_port=0, to_port=65535),
    ),
    "all protocols": Mutant(
        rule="ingress-only-ssh",
        type=catalogue.INGRESS_RULE.name,
        values=_set(ip_protocol="-1", from_port=None, to_port=None),
    ),
    "SSH from the IPv6 world": Mutant(
        rule="ssh-from-configured-networks", adds=_ingress(cidr_ipv6="::/0")
    ),
    "SSH from a group": Mutant(
        rule="ssh-from-configured-networks",
        adds=_ingress(referenced_security_group_id="sg-0123456789abcdef0"),
    ),
    "SSH from another owner's prefix list": Mutant(
        rule="ssh-prefix-list-in-stack", adds=_ingress(prefix_list_id="pl-0123456789abcdef0")
    ),
    "inline rule": Mutant(
        rule="no-inline-security-group-rules",
        type=catalogue.SECURITY_GROUP.name,
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
        rule="security-group-rules-described",
        type=catalogue.INGRESS_RULE.name,
        values=_set(description=None),
    ),
    # permissions
    "manager may do everything in EC2": Mutant(
        rule="no-wildcard-actions",
        also=RULES_FOR_EC2,
        **MANAGER,
        values=_more({"Action": "ec2:*", "Resource": "*"}),
    ),
    "sandbox may do everything": Mutant(
        rule="no-wildcard-actions",
        also=(*RULES_FOR_EC2, "pass-role-scoped", "services-as-declared"),
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
        rule="pass-role-scoped", **MANAGER, values=_without("iam:PassRole", "iam:PassedToService")
    ),
    "manager changes every instance": Mutant(
        rule="writes-scoped",
        also=("tags-immutable",),
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
        rule="launch-project-images-only", **MANAGER, values=_without(RUN, "ec2:Owner")
    ),
    "launch from any snapshot": Mutant(
        rule="launch-project-images-only",
        **MANAGER,
        values=_more({"Action": RUN, "Resource": "arn:aws:ec2:*::snapshot/*"}),
    ),
    "any instance terminated": Mutant(
        rule="control-sandbox-instances-only",
        **MANAGER,
        values=_without("ec2:TerminateInstances", "ec2:InstanceProfile"),
    ),
    "tags changed later": Mutant(
        rule="tags-immutable", **MANAGER, values=_without("ec2:CreateTags", "ec2:CreateAction")
    ),
    "tags removed": Mutant(
        rule="tags-immutable",
        **MANAGER,
        values=_more({"Action": "ec2:DeleteTags", "Resource": "arn:aws:ec2:*:*:instance/*"}),
    ),
    "bucket of any account": Mutant(
        rule="buckets-in-own-account",
        **SANDBOX,
        values=_without("s3:PutObject", "s3:ResourceAccount"),
    ),
    "boundary without its Deny": Mutant(
        rule="boundary-explicit-deny",
        type=catalogue.POLICY.name,
        name="sandbox-manager-boundary",
        values=_document(_no_not_action),
    ),
    # identities
    "manager is admin": Mutant(
        rule="no-aws-managed-policies", adds=_attach_to_manager(lambda _: ADMIN)
    ),
    "boundary attached as a policy": Mutant(
        rule="boundary-not-attached",
        adds=_attach_to_manager(
            lambda program: program.resource(catalogue.POLICY.name, "sandbox-manager-boundary").arn
        ),
    ),
    "sandboxes with the manager's policy": Mutant(
        rule="policies-attached-to-own-identity", adds=_managers_policy_for_sandboxes
    ),
    "second key": Mutant(rule="one-access-key", adds=_second_key),
    "anybody takes the sandboxes' role": Mutant(
        rule="trust-policy-scoped",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=_set(assume_role_policy=WORLD_TRUST),
    ),
    "manager without a boundary": Mutant(
        rule="boundary-present", type=catalogue.USER.name, values=_set(permissions_boundary=None)
    ),
    "sandboxes under the manager's boundary": Mutant(
        rule="boundary-present",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=_set(
            permissions_boundary="arn:aws:iam::123456789012:policy/sandbox-manager-boundary"
        ),
    ),
    "profile with another role": Mutant(
        rule="profile-holds-instance-role",
        type=catalogue.INSTANCE_PROFILE.name,
        values=_set(role="admin"),
    ),
    # tags, data, structure
    "default tags dropped": Mutant(
        rule="required-tags", type="pulumi:providers:aws", values=_set(default_tags=None)
    ),
    "another environment's tag": Mutant(
        rule="required-tags",
        also=("names-as-expected",),
        type=catalogue.VPC.name,
        values=_set(tags={"Environment": "staging"}),
    ),
    "logs for a week": Mutant(
        rule="log-retention", type=catalogue.LOG_GROUP.name, values=_set(retention_in_days=7)
    ),
    "secret exported in plain": Mutant(rule="no-plaintext-secret-outputs", adds=_plain_secret),
    "role renamed": Mutant(
        rule="names-as-expected",
        also=(
            "boundary-present",
            "policies-attached-to-own-identity",
            "profile-holds-instance-role",
            "trust-policy-scoped",
        ),
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=_set(name="sandbox-role"),
    ),
    "group with a random name": Mutant(
        rule="names-as-expected",
        fresh=True,
        type=catalogue.SECURITY_GROUP.name,
        values=_set(name=None),
    ),
    "resource outside the components": Mutant(rule="inside-a-component", adds=_stray),
    "VPC no longer protected": Mutant(
        rule="protected-in-production", type=catalogue.VPC.name, options={"protect": False}
    ),
    "another region": Mutant(rule="configured-region", adds=_other_provider),
    "peering": Mutant(
        rule="reviewed-types",
        adds=_in_network(ec2.VpcPeeringConnection, peer_vpc_id="vpc-0a1b2c3d"),
    ),
    "a type without rules": Mutant(
        rule="reviewed-types",
        adds=lambda program: ec2.Eip(program.fresh_name(), opts=program.beside(catalogue.VPC.name)),
    ),
    "drift of a policy ignored": Mutant(
        rule="no-ignored-changes",
        alone=True,
        type=catalogue.POLICY.name,
        name="sandbox-manager-policy",
        options={"ignore_changes": ["policy"]},
    ),
}
