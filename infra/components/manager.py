"""The sandbox manager, which starts and stops the instances: its identity, policies and key."""

from __future__ import annotations  # naming a class of pulumi_aws does not import it

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi

from infra import access_keys, names
from infra.access_keys import Keys
from infra.components import managed_policies
from infra.context import StackContext, manager_trust
from infra.lazy_aws import iam
from infra.permissions import manager
from infra.permissions.statements import TRUST_POLICY_LIMIT, Statement, document
from infra.tags import named

POLICY: Final = "Allows sandbox manager service to orchestrate EC2 instances for researchers"
BOUNDARY: Final = "The most that the sandbox manager can ever be allowed"


class Manager(pulumi.ComponentResource):
    """The user `sandbox-manager` with its access keys, or a role of that name."""

    arn: pulumi.Output[str]
    user_name: pulumi.Output[str] | None = None
    role_arn: pulumi.Output[str] | None = None
    access_key_id: pulumi.Output[str] | None = None
    secret_access_key: pulumi.Output[str] | None = None

    def __init__(
        self,
        name: str,
        context: StackContext,
        vpc_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:manager:Manager", name, {}, opts)
        target = managed_policies.target(context.policy_context, vpc_id, self)
        boundary_arn = managed_policies.boundary_arn(
            names.MANAGER_BOUNDARY, BOUNDARY, manager.boundary, target
        )
        policies = managed_policies.policies(names.MANAGER_POLICY, POLICY, manager.policy, target)
        protected = pulumi.ResourceOptions(parent=self, protect=context.settings.protect)
        tags = named(names.MANAGER)
        if image := context.settings.sandbox_ami_id:
            tags[names.IMAGE_TAG] = image
        self._path = context.settings.manager_path
        if trust := manager_trust(context.settings):
            self._role(trust, boundary_arn, policies, tags, protected)
        else:
            self._user(context.settings.manager_keys, boundary_arn, policies, tags, protected)
        self.register_outputs(
            {
                "user_name": self.user_name,
                "role_arn": self.role_arn,
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key,
            }
        )

    def _user(
        self,
        stages: Keys,
        boundary_arn: pulumi.Input[str],
        policies: Sequence[iam.Policy],
        tags: Mapping[str, str],
        protected: pulumi.ResourceOptions,
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        user = iam.User(
            names.MANAGER,
            name=names.MANAGER,
            path=self._path,
            permissions_boundary=boundary_arn,
            tags=tags,
            opts=protected,
        )
        for number, policy in enumerate(policies, start=1):
            iam.UserPolicyAttachment(
                managed_policies.numbered(names.MANAGER, number),
                user=user.name,
                policy_arn=policy.arn,
                opts=child,
            )
        keys = {
            slot: iam.AccessKey(
                access_keys.resource_name(slot),
                user=user.name,
                status=access_keys.status(stage),
                opts=child,
            )
            for slot, stage in stages.items()
        }
        key = keys[access_keys.current(stages)]
        self.arn = user.arn
        self.user_name = user.name
        self.access_key_id = pulumi.Output.secret(key.id)
        self.secret_access_key = pulumi.Output.secret(key.secret)

    def _role(
        self,
        trust: Sequence[Statement],
        boundary_arn: pulumi.Input[str],
        policies: Sequence[iam.Policy],
        tags: Mapping[str, str],
        protected: pulumi.ResourceOptions,
    ) -> None:
        role = iam.Role(
            names.MANAGER,
            name=names.MANAGER,
            path=self._path,
            description="The service that starts and stops researcher sandboxes",
            assume_role_policy=document(trust, limit=TRUST_POLICY_LIMIT),
            permissions_boundary=boundary_arn,
            tags=tags,
            opts=protected,
        )
        for number, policy in enumerate(policies, start=1):
            iam.RolePolicyAttachment(
                managed_policies.numbered(names.MANAGER, number),
                role=role.name,
                policy_arn=policy.arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.arn = self.role_arn = role.arn
