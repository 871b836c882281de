"""Quotas of the account that a config can outgrow, asked before anything is made."""

from typing import Final

import pulumi

from infra.components.ssh_access import MOST_RULES
from infra.settings import Settings

RULES_PER_GROUP: Final = "L-0EA8095F"
"""Inbound or outbound rules per security group (AWS: Amazon VPC quotas)."""


def require(settings: Settings) -> None:
    """Refuse more SSH ranges than the account's security groups hold.

    AWS counts a prefix list with all the entries it may hold, not as one rule; and while an update
    goes from single rules to the list, the group holds both.

    Raises:
        pulumi.RunError: the quota is too low, or may not be read.
    """
    longest = max(
        sum(one.version == version for one in settings.allowed_ssh_cidrs) for version in (4, 6)
    )
    if longest <= MOST_RULES:
        return
    needed, allowed = longest + MOST_RULES, _rules_per_group(settings.region)
    if needed > allowed:
        raise pulumi.RunError(
            f"sandbox:allowed_ssh_cidrs = {longest} ranges of one address family: AWS counts each "
            f"entry of their prefix list as a rule, which takes quota {RULES_PER_GROUP} (rules per "
            f"security group) of at least {needed}, this account has {allowed}; ask for more with: "
            f"aws service-quotas request-service-quota-increase --service-code vpc --quota-code "
            f"{RULES_PER_GROUP} --desired-value {needed} --region {settings.region}"
        )


def _rules_per_group(region: str) -> int:
    # imported here: most stacks never ask, and the SDK would cost each preview its import
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    quotas = boto3.client("service-quotas", region_name=region)
    try:
        answer = quotas.get_service_quota(ServiceCode="vpc", QuotaCode=RULES_PER_GROUP)
    except (BotoCoreError, ClientError) as error:
        raise pulumi.RunError(
            f"sandbox:allowed_ssh_cidrs: quota {RULES_PER_GROUP} (rules per security group) could "
            f"not be read: {error}; allow servicequotas:GetServiceQuota, or name at most "
            f"{MOST_RULES} ranges"
        ) from None
    return int(answer["Quota"]["Value"])
