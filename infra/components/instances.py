"""The identity of the instances: their role, its profile, and the log group that they write to."""

from typing import Final

import pulumi

from infra import names
from infra.components import managed_policies
from infra.context import StackContext
from infra.lazy_aws import cloudwatch, iam
from infra.permissions import instance, trust
from infra.permissions.statements import TRUST_POLICY_LIMIT, document
from infra.tags import named

POLICY: Final = "Minimal permissions for researcher sandbox EC2 instances"
BOUNDARY: Final = "The most that a sandbox instance can ever be allowed"


class Instances(pulumi.ComponentResource):
    """The role of every sandbox; an instance counts as a sandbox by the profile of this role."""

    profile_name: pulumi.Output[str]
    profile_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: StackContext,
        vpc_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:instances:Instances", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        protected = pulumi.ResourceOptions(parent=self, protect=context.settings.protect)
        target = managed_policies.target(context.policy_context, vpc_id, self)
        boundary_arn = managed_policies.boundary_arn(
            names.INSTANCE_BOUNDARY, BOUNDARY, instance.boundary, target
        )
        role = iam.Role(
            names.INSTANCE_ROLE,
            name=names.INSTANCE_ROLE,
            description="IAM role for researcher sandbox EC2 instances",
            assume_role_policy=document(trust.ec2(), limit=TRUST_POLICY_LIMIT),
            permissions_boundary=boundary_arn,
            tags=named(names.INSTANCE_ROLE),
            opts=protected,
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
            opts=protected,
        )
        log_group = names.instance_log_group(context.settings.log_prefix)
        cloudwatch.LogGroup(  # created here, because the instances may not create log groups
            names.INSTANCE_LOGS,
            name=log_group,
            retention_in_days=context.settings.instance_log_retention_days,
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
