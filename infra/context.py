"""The context of a stack: what its components and its policy documents depend on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra import account
from infra.account import Account, AccountIdentity
from infra.permissions import trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement
from infra.settings import Settings

PLACEHOLDER_VPC_ID: Final = "vpc-00000000000000000"
"""As long as a real VPC id, which exists only after the first update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackContext:
    """Everything that a component reads. All of it is known before the first resource exists."""

    settings: Settings
    policy_context: PolicyContext
    """Its VPC id is a placeholder, which `managed_policies` replaces by the real one."""
    zones: Mapping[str, int]
    """Slot by availability zone."""


def stack_context(settings: Settings, stack_account: Account) -> StackContext:
    """The context of the running stack.

    Raises:
        pulumi.RunError: the region offers no availability zone.
    """
    return StackContext(
        settings=settings,
        policy_context=policy_context(settings, stack_account.identity),
        zones=account.zones(settings, stack_account),
    )


def policy_context(
    settings: Settings, identity: AccountIdentity, *, vpc_id: str = PLACEHOLDER_VPC_ID
) -> PolicyContext:
    """What the policy documents depend on; *vpc_id* is a placeholder until the VPC exists."""
    return PolicyContext(
        partition=identity.partition,
        region=settings.region,
        account_id=identity.account_id,
        environment=settings.environment,
        vpc_id=vpc_id,
        ami_id=settings.sandbox_ami_id,
        instance_types=settings.launchable_types,
        volume_types=settings.volume_types,
        max_volume_gib=settings.max_volume_gib,
        capacity_reservations=settings.capacity_reservations,
        instance_tags=settings.instance_tags,
        manager_has_keys=settings.manager_identity == "user",
        s3_read_buckets=settings.s3_read_buckets,
        s3_output_bucket=settings.s3_output_bucket,
        instances_read_outputs=settings.instances_read_outputs,
        results_per_instance=settings.results_per_instance,
        instances_only_from_vpc=settings.instances_only_from_vpc,
        ecr_repositories=settings.ecr_repositories,
        log_prefix=settings.log_prefix,
        logs_per_instance=settings.logs_per_instance,
        permissions_boundary=settings.permissions_boundary,
    )


def manager_trust(settings: Settings) -> tuple[Statement, ...] | None:
    """Who may assume the manager's role; None if the manager is a user."""
    match settings.manager_identity:
        case "user":
            return None
        case "irsa":
            return trust.irsa(settings.oidc_provider_arn, settings.service_account)
        case "pod-identity":
            return trust.pod_identity(settings.service_account)
