"""Quotas of the account that the settings can exceed."""

from typing import Final

import pulumi

from infra.aws_clients import AwsClients
from infra.components.ssh_access import MAX_RULES
from infra.settings import Settings

RULES_PER_GROUP: Final = "L-0EA8095F"
"""Inbound or outbound rules per security group (AWS: Amazon VPC quotas)."""


def require(settings: Settings) -> None:
    """Refuse more SSH ranges than the account's security groups can hold.

    AWS counts a prefix list as its maximum number of entries, not as one rule. While an update
    replaces single rules by the list, the group holds both.

    Raises:
        pulumi.RunError: the quota is too low, or could not be read.
    """
    most_ranges = max(
        sum(cidr.version == version for cidr in settings.allowed_ssh_cidrs) for version in (4, 6)
    )
    if most_ranges <= MAX_RULES:
        return
    needed, quota = most_ranges + MAX_RULES, _rules_per_group(settings.region)
    if needed > quota:
        raise pulumi.RunError(
            f"sandbox:allowed_ssh_cidrs = {most_ranges} ranges of one address family: AWS counts "
            f"each entry of their prefix list as a rule, so quota {RULES_PER_GROUP} (rules per "
            f"security group) must be at least {needed}; this account has {quota}; ask for more: "
            f"aws service-quotas request-service-quota-increase --service-code vpc --quota-code "
            f"{RULES_PER_GROUP} --desired-value {needed} --region {settings.region}"
        )


def _rules_per_group(region: str) -> int:
    # imported here: few stacks need it, and the import would slow every preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        answer = AwsClients(region).quotas.get_service_quota(
            ServiceCode="vpc", QuotaCode=RULES_PER_GROUP
        )
    except (BotoCoreError, ClientError) as error:
        raise pulumi.RunError(
            f"sandbox:allowed_ssh_cidrs: quota {RULES_PER_GROUP} (rules per security group) could "
            f"not be read: {error}; allow servicequotas:GetServiceQuota, or name at most "
            f"{MAX_RULES} ranges"
        ) from None
    return int(answer["Quota"]["Value"])
