"""Single changes of the running program; the pack must stop each.

A transformation changes a resource that the program registers; an addition registers one more after
it. The program's own files stay unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import catalogue
from infra.lazy_aws import cloudwatch, ec2, iam  # the classes that the program uses
from tests.policies.mutation import evasions, others_resources, widened
from tests.policies.mutation.mutant import (
    ADMIN,
    MANAGER,
    RUN,
    SANDBOX,
    WORLD_TRUST,
    Mutant,
    Program,
    document,
    granting,
    in_network,
    ingress,
    no_not_action,
    setting,
    with_parts,
    without,
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


CHANGES: Final[Mapping[str, Mutant]] = {
    # network
    "second VPC": Mutant(
        rule="one-vpc",
        says="VPC number 2",
        adds=lambda program: ec2.Vpc(
            program.fresh_name(),
            cidr_block="10.200.0.0/16",
            opts=program.beside(catalogue.VPC.name),
        ),
    ),
    "VPC over the main network": Mutant(
        rule="vpc-cidr-as-configured",
        says="overlaps",
        alone=True,
        type=catalogue.VPC.name,
        values=setting(cidr_block="10.0.0.0/16"),
    ),
    "wider VPC": Mutant(
        rule="vpc-cidr-as-configured",
        says="is not sandbox:vpc_cidr",
        alone=True,
        type=catalogue.VPC.name,
        values=setting(cidr_block="10.100.0.0/15"),
    ),
    "IPv6 range": Mutant(
        rule="properties-as-declared",
        says="assignGeneratedIpv6CidrBlock",
        alone=True,
        type=catalogue.VPC.name,
        values=setting(assign_generated_ipv6_cidr_block=True),
    ),
    "subnet outside": Mutant(
        rule="subnet-inside-vpc",
        says="10.0.7.0/24",
        type=catalogue.SUBNET.name,
        values=setting(cidr_block="10.0.7.0/24"),
    ),
    "PrivateLink": Mutant(
        rule="properties-as-declared",
        says="serviceName",
        adds=in_network(
            ec2.VpcEndpoint,
            vpc_endpoint_type="Interface",
            service_name="com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
        ),
    ),
    "interface endpoint instead of S3's gateway": Mutant(
        rule="properties-as-declared",
        says="vpcEndpointType",
        alone=True,
        type=catalogue.VPC_ENDPOINT.name,
        values=setting(vpc_endpoint_type="Interface", route_table_ids=None),
    ),
    "default route into an interface": Mutant(
        rule="properties-as-declared",
        says="networkInterfaceId",
        type=catalogue.ROUTE.name,
        values=setting(gateway_id=None, network_interface_id="eni-0123456789abcdef0"),
    ),
    "route into a peering": Mutant(
        rule="properties-as-declared",
        says="vpcPeeringConnectionId",
        adds=_peering_route,
    ),
    "subnet without the public table": Mutant(
        rule="subnets-use-public-route-table",
        says="is not associated",
        alone=True,
        adds=in_network(ec2.Subnet, cidr_block="10.100.250.0/24"),
    ),
    "default group lets its members talk": Mutant(
        rule="properties-as-declared",
        says="sandbox-vpc-default: ingress",
        type=catalogue.DEFAULT_SECURITY_GROUP.name,
        values=setting(ingress=[{"protocol": "-1", "self": True, "from_port": 0, "to_port": 0}]),
    ),
    "flow log of a subnet only": Mutant(
        rule="flow-logs-present",
        says="has no flow log",
        alone=True,
        type=catalogue.FLOW_LOG.name,
        values=setting(vpc_id=None, subnet_id="subnet-0123456789abcdef0"),
    ),
    "flow log of rejected traffic only": Mutant(
        rule="properties-as-declared",
        says="trafficType",
        type=catalogue.FLOW_LOG.name,
        values=setting(traffic_type="REJECT"),
    ),
    # ingress
    "port 443 opened": Mutant(
        rule="properties-as-declared",
        says="fromPort = 443",
        adds=ingress(from_port=443, to_port=443, cidr_ipv4="203.0.113.0/24"),
    ),
    "all ports": Mutant(
        rule="properties-as-declared",
        says="fromPort = 0",
        type=catalogue.INGRESS_RULE.name,
        values=setting(from_port=0, to_port=65535),
    ),
    "all protocols": Mutant(
        rule="properties-as-declared",
        says="ipProtocol",
        type=catalogue.INGRESS_RULE.name,
        values=setting(ip_protocol="-1", from_port=None, to_port=None),
    ),
    "SSH from the IPv6 world": Mutant(
        rule="ssh-from-configured-networks",
        says="::/0",
        adds=ingress(cidr_ipv6="::/0"),
    ),
    "SSH from a group": Mutant(
        rule="properties-as-declared",
        says="referencedSecurityGroupId",
        adds=ingress(referenced_security_group_id="sg-0123456789abcdef0"),
    ),
    "SSH from another owner's prefix list": Mutant(
        rule="references-in-stack",
        says="prefixListId",
        adds=ingress(prefix_list_id="pl-0123456789abcdef0"),
    ),
    "inline rule": Mutant(
        rule="properties-as-declared",
        says="sandbox-instances: ingress",
        type=catalogue.SECURITY_GROUP.name,
        values=setting(
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
        says="sandbox-ssh-inbound",
        type=catalogue.INGRESS_RULE.name,
        values=setting(description=None),
    ),
    # permissions
    "manager may do everything in EC2": Mutant(
        rule="grants-as-declared",
        says="ec2:*",
        **MANAGER,
        values=granting({"Action": "ec2:*", "Resource": "*"}),
    ),
    "sandbox may do everything": Mutant(
        rule="grants-as-declared",
        says="sandbox-instance-policy: policy: statement 8 = *",
        **SANDBOX,
        values=granting({"Action": "*", "Resource": "*"}),
    ),
    "manager makes access keys": Mutant(
        rule="grants-as-declared",
        says="iam:CreateAccessKey",
        **MANAGER,
        values=granting({"Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::*:user/x"}),
    ),
    "sandbox launches instances": Mutant(
        rule="grants-as-declared",
        says="sandbox-instance-policy: policy: statement 8 = ec2:RunInstances",
        **SANDBOX,
        values=granting({"Action": RUN, "Resource": "arn:aws:ec2:*:*:instance/*"}),
    ),
    "any role passed": Mutant(
        rule="grants-as-declared",
        says="role/*",
        **MANAGER,
        values=with_parts("iam:PassRole", Resource="arn:aws:iam::*:role/*"),
    ),
    "role passed to any service": Mutant(
        rule="grants-as-declared",
        says="iam:PassedToService",
        **MANAGER,
        values=without("iam:PassRole", "iam:PassedToService"),
    ),
    "manager changes every instance": Mutant(
        rule="grants-as-declared",
        says="ec2:ModifyInstanceAttribute",
        **MANAGER,
        values=granting({"Action": "ec2:ModifyInstanceAttribute", "Resource": "*"}),
    ),
    "launch without user_id": Mutant(
        rule="grants-as-declared",
        says="does not require aws:RequestTag/user_id",
        **MANAGER,
        values=without(RUN, "aws:RequestTag/user_id"),
    ),
    "launch without the profile": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:InstanceProfile",
        **MANAGER,
        values=without(RUN, "ec2:InstanceProfile"),
    ),
    "launch into any VPC": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:Vpc",
        **MANAGER,
        values=without(RUN, "ec2:Vpc"),
    ),
    "launch with metadata v1": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:MetadataHttpTokens",
        **MANAGER,
        values=without(RUN, "ec2:MetadataHttpTokens"),
    ),
    "launch with plain volumes": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:Encrypted",
        **MANAGER,
        values=without(RUN, "ec2:Encrypted"),
    ),
    "launch of anybody's image": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:Owner",
        **MANAGER,
        values=without(RUN, "ec2:Owner"),
    ),
    "launch from any snapshot": Mutant(
        rule="grants-as-declared",
        says="snapshot/*",
        **MANAGER,
        values=granting({"Action": RUN, "Resource": "arn:aws:ec2:*::snapshot/*"}),
    ),
    "any instance terminated": Mutant(
        rule="grants-as-declared",
        says="ec2:TerminateInstances",
        **MANAGER,
        values=without("ec2:TerminateInstances", "ec2:InstanceProfile"),
    ),
    "tags changed later": Mutant(
        rule="grants-as-declared",
        says="does not require ec2:CreateAction",
        **MANAGER,
        values=without("ec2:CreateTags", "ec2:CreateAction"),
    ),
    "tags removed": Mutant(
        rule="grants-as-declared",
        says="ec2:DeleteTags",
        **MANAGER,
        values=granting({"Action": "ec2:DeleteTags", "Resource": "arn:aws:ec2:*:*:instance/*"}),
    ),
    "bucket of any account": Mutant(
        rule="grants-as-declared",
        says="s3:PutObject",
        **SANDBOX,
        values=without("s3:PutObject", "s3:ResourceAccount"),
    ),
    "boundary without its Deny": Mutant(
        rule="denials-present",
        says="sandbox-manager-boundary: policy = Deny NotAction",
        type=catalogue.POLICY.name,
        name="sandbox-manager-boundary",
        values=document(no_not_action),
    ),
    # identities
    "manager is admin": Mutant(
        rule="attachments-between-own",
        says="mutant-",
        adds=_attach_to_manager(lambda _: ADMIN),
    ),
    "boundary attached as a policy": Mutant(
        rule="attachments-between-own",
        says="mutant-",
        adds=_attach_to_manager(
            lambda program: program.resource(catalogue.POLICY.name, "sandbox-manager-boundary").arn
        ),
    ),
    "sandboxes with the manager's policy": Mutant(
        rule="attachments-between-own",
        says="mutant-",
        adds=_managers_policy_for_sandboxes,
    ),
    "second key": Mutant(rule="keys-as-configured", says="active key number 2", adds=_second_key),
    "anybody takes the sandboxes' role": Mutant(
        rule="trust-policy-scoped",
        says="sandbox-instance-role",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(assume_role_policy=WORLD_TRUST),
    ),
    "manager without a boundary": Mutant(
        rule="boundary-present",
        says="is required",
        alone=True,
        type=catalogue.USER.name,
        values=setting(permissions_boundary=None),
    ),
    "sandboxes under the manager's boundary": Mutant(
        rule="boundary-present",
        says="sandbox-instance-role",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(
            permissions_boundary="arn:aws:iam::123456789012:policy/sandbox-manager-boundary"
        ),
    ),
    "profile with another role": Mutant(
        rule="references-in-stack",
        says="sandbox-instance-profile: role",
        type=catalogue.INSTANCE_PROFILE.name,
        values=setting(role="admin"),
    ),
    # tags, data, structure
    "default tags dropped": Mutant(
        rule="required-tags",
        says="tags.Project",
        type="pulumi:providers:aws",
        values=setting(default_tags=None),
    ),
    "another environment's tag": Mutant(
        rule="required-tags",
        says="sandbox-vpc: tags.Environment",
        alone=True,
        type=catalogue.VPC.name,
        values=setting(tags={"Environment": "staging"}),
    ),
    "logs for a week": Mutant(
        rule="log-retention-as-configured",
        says="retentionInDays = 7",
        type=catalogue.LOG_GROUP.name,
        values=setting(retention_in_days=7),
    ),
    "secret exported in plain": Mutant(
        rule="no-plaintext-secret-outputs",
        says="output note",
        adds=_plain_secret,
    ),
    "role renamed": Mutant(
        rule="names-as-expected",
        says="sandbox-instance-role",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(name="sandbox-role"),
    ),
    "group with a random name": Mutant(
        rule="names-as-expected",
        says="sandbox-instances",
        fresh=True,
        type=catalogue.SECURITY_GROUP.name,
        values=setting(name=None),
    ),
    "resource outside the components": Mutant(
        rule="inside-a-component",
        says="mutant-",
        adds=_stray,
    ),
    "VPC no longer protected": Mutant(
        rule="protected-in-production",
        says="sandbox-vpc",
        type=catalogue.VPC.name,
        options={"protect": False},
    ),
    "another region": Mutant(rule="configured-region", says="eu-west-1", adds=_other_provider),
    "peering": Mutant(
        rule="reviewed-types",
        says="vpcPeeringConnection",
        adds=in_network(ec2.VpcPeeringConnection, peer_vpc_id="vpc-0a1b2c3d"),
    ),
    "a type without rules": Mutant(
        rule="reviewed-types",
        says="eip",
        adds=lambda program: ec2.Eip(program.fresh_name(), opts=program.beside(catalogue.VPC.name)),
    ),
    "drift of a policy ignored": Mutant(
        rule="no-ignored-changes",
        says="sandbox-manager-policy",
        alone=True,
        type=catalogue.POLICY.name,
        name="sandbox-manager-policy",
        options={"ignore_changes": ["policy"]},
    ),
}
MUTANTS: Final[Mapping[str, Mutant]] = {
    **CHANGES,
    **others_resources.MUTANTS,
    **widened.MUTANTS,
    **evasions.MUTANTS,
}
