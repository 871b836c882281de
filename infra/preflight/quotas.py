"""Quotas of the account that the settings can exceed."""

from typing import Final

import pulumi

from infra.aws_clients import RAISE_QUOTA, AwsClients
from infra.settings import Settings

MAX_RULES: Final = 60
"""Inbound rules of one address family in a security group (AWS: Amazon VPC quotas, default)."""
RULES_PER_GROUP: Final = "L-0EA8095F"
"""Inbound or outbound rules per security group (AWS: Amazon VPC quotas)."""
GROUPS_PER_INTERFACE: Final = "L-2AFB9258"
"""Security groups per network interface (AWS: Amazon VPC quotas)."""
MAX_PRODUCT: Final = 1000
"""The largest product of the two quotas that AWS allows (AWS: Amazon VPC quotas)."""
DEFAULT_GROUPS: Final = 5
"""The default of `GROUPS_PER_INTERFACE`."""


def hook(settings: Settings) -> pulumi.ResourceHook:
    """Refuse a prefix list that is too long before it is created or changed, also in a preview.

    A hook does not run in a destroy, so a quota can never keep a stack from being destroyed.
    """
    return pulumi.ResourceHook(
        "rule-quota-suffices",
        lambda _: require(settings),
        opts=pulumi.ResourceHookOptions(on_dry_run=True),
    )


def require(settings: Settings) -> None:
    """Refuse more SSH ranges than the account's security groups can hold.

    AWS counts a prefix list as its maximum number of entries, not as one rule. While an update
    replaces single rules by lists, the group holds both.

    Raises:
        pulumi.RunError: the quota is too low, or could not be read.
    """
    most_ranges = max(
        sum(cidr.version == version for cidr in settings.allowed_ssh_cidrs) for version in (4, 6)
    )
    if most_ranges <= MAX_RULES:
        return
    needed, quota = most_ranges + MAX_RULES, _rules_per_group(settings.region)
    if needed <= quota:
        return
    raise pulumi.RunError(
        f"sandbox:allowed_ssh_cidrs = {most_ranges} ranges of one address family: AWS counts "
        f"each entry of their prefix lists as a rule, so quota {RULES_PER_GROUP} (rules per "
        f"security group) must be at least {needed}; this account has {quota}; "
        f"{_smaller_product(needed)}ask for more: {_request(RULES_PER_GROUP, needed, settings)}"
    )


def _smaller_product(needed: int) -> str:
    """The second quota to change, where *needed* rules times its default is too much for AWS."""
    groups = MAX_PRODUCT // needed
    if groups >= DEFAULT_GROUPS:
        return ""
    return (
        f"AWS allows at most {MAX_PRODUCT} for this quota times {GROUPS_PER_INTERFACE} (security "
        f"groups per network interface, {DEFAULT_GROUPS} by default), so AWS support must first "
        f"set {GROUPS_PER_INTERFACE} to {groups}: "
    )


def _request(quota_code: str, value: int, settings: Settings) -> str:
    return (
        f"{RAISE_QUOTA} --service-code vpc --quota-code {quota_code} --desired-value {value} "
        f"--region {settings.region}"
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
