"""The account of a stack: its provider, its number, and the zones that it offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from infra import tags
from infra.addresses import DEFAULT_ZONES
from infra.lazy_aws import import_in_background
from infra.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account, as ARNs name it."""

    partition: str
    account_id: str

    @classmethod
    def of_arn(cls, arn: str) -> Self:
        """The account of *arn*."""
        _, partition, _, _, account_id, _ = arn.split(":", 5)
        return cls(partition=partition, account_id=account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the stack's provider reaches."""

    provider: aws.Provider
    identity: Identity


def connect(settings: Settings) -> Account:
    """Make the stack's only provider; its region and its tags apply to every resource."""
    importing = import_in_background()
    provider = aws.Provider(
        "aws",
        region=settings.region,
        default_tags={"tags": tags.common(settings.environment)},
    )
    identity = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    importing.join()
    return Account(provider=provider, identity=Identity.of_arn(identity.arn))


def zones(settings: Settings, account: Account) -> Mapping[str, int]:
    """The slot of each zone: those in the settings, else the region's first three zones.

    Only zones that need no opt-in count, as in the replaced Terraform module.

    Raises:
        pulumi.RunError: the region offers no such zone.
    """
    if settings.zones:
        return settings.zones
    offered = aws.get_availability_zones(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=pulumi.InvokeOptions(provider=account.provider),
    ).names
    if not offered:
        raise pulumi.RunError(
            f"sandbox:region = {settings.region}: offers no availability zone without an opt-in; "
            "name the zones to use in sandbox:zones"
        )
    return {zone: slot for slot, zone in enumerate(sorted(offered)[:DEFAULT_ZONES])}
