"""From a stack's settings and account to what its permissions depend on."""

from typing import Final

from infra.account import Identity
from infra.permissions import trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement
from infra.settings import Settings

PLACEHOLDER_VPC_ID: Final = "vpc-00000000000000000"
"""As long as a real id, which only exists after the first update."""


def policy_context(
    settings: Settings, identity: Identity, *, vpc_id: str = PLACEHOLDER_VPC_ID
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
        s3_read_buckets=settings.s3_read_buckets,
        s3_output_bucket=settings.s3_output_bucket,
        instances_read_outputs=settings.instances_read_outputs,
        log_prefix=settings.log_prefix,
    )


def manager_trust(settings: Settings) -> tuple[Statement, ...] | None:
    """Who may take the manager's role, or None where the manager is a user."""
    match settings.manager_identity:
        case "user":
            return None
        case "irsa":
            return trust.irsa(settings.oidc_provider_arn, settings.service_account)
        case "pod-identity":
            return trust.pod_identity(settings.service_account)
