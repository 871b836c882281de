"""Who the instances are: the role they run under, its profile, and where their logs go."""

from dataclasses import dataclass
from typing import Final

import pulumi

from infra import names
from infra.components import managed_policies
from infra.lazy_aws import cloudwatch, iam
from infra.permissions import instance, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import TRUST_POLICY_LIMIT, document
from infra.tags import named

POLICY: Final = "Minimal permissions for researcher sandbox EC2 instances"
BOUNDARY: Final = "The most that a sandbox instance can ever be allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancesArgs:
    """*policy_context* holds a stand-in for the VPC's id until *vpc_id* is known."""

    policy_context: PolicyContext
    vpc_id: pulumi.Input[str]
    log_retention_days: int
    protect: bool


class Instances(pulumi.ComponentResource):
    """The identity of every sandbox; its profile is what marks an instance as one."""

    profile_name: pulumi.Output[str]
    profile_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: InstancesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sandbox:instances:Instances", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect)
        target = managed_policies.target(args.policy_context, args.vpc_id, self)
        boundary = managed_policies.boundary(
            names.INSTANCE_BOUNDARY, BOUNDARY, instance.boundary, target
        )
        role = iam.Role(
            names.INSTANCE_ROLE,
            name=names.INSTANCE_ROLE,
            description="IAM role for researcher sandbox EC2 instances",
            assume_role_policy=document(trust.ec2(), limit=TRUST_POLICY_LIMIT),
            permissions_boundary=boundary.arn,
            tags=named(names.INSTANCE_ROLE),
            opts=kept,
        )
        policies = managed_policies.policies(names.INSTANCE_POLICY, POLICY, instance.policy, target)
        for number, policy in enumerate(policies, start=1):
            iam.RolePolicyAttachment(
                managed_policies.numbered(names.INSTANCE_ROLE, number),
                role=role.name,
                policy_arn=policy.arn,
                opts=child,
            )
        profile = iam.InstanceProfile(
            names.INSTANCE_PROFILE,
            name=names.INSTANCE_PROFILE,
            role=role.name,
            tags=named(names.INSTANCE_PROFILE),
            opts=kept,
        )
        log_group = names.instance_log_group(args.policy_context.log_prefix)
        cloudwatch.LogGroup(  # made here: the instances cannot make groups of their own
            names.INSTANCE_LOGS,
            name=log_group,
            retention_in_days=args.log_retention_days,
            tags=named(log_group),
            opts=child,
        )
        self.profile_name = profile.name
        self.profile_arn = profile.arn
        self.role_arn = role.arn
        self.register_outputs(
            {
                "profile_name": self.profile_name,
                "profile_arn": self.profile_arn,
                "role_arn": self.role_arn,
            }
        )
