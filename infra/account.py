"""The account of a stack: its provider, its number, and the zones that it offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from infra import catalogue, tags
from infra.addresses import DEFAULT_ZONES
from infra.lazy_aws import import_in_background
from infra.settings import Settings
from infra.standing import StandingResource


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentity:
    """An account in the form of ARNs."""

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
    identity: AccountIdentity


def connect(settings: Settings, standing: Iterable[StandingResource]) -> Account:
    """Create the stack's only provider; its region and tags apply to every resource.

    Raises:
        pulumi.RunError: AWS accepts no credentials, or they belong to another account than
            `sandbox:account_id` or the one that the stack is in (*standing*).
    """
    importing = import_in_background()
    provider = aws.Provider(
        "aws",
        region=settings.region,
        default_tags={"tags": tags.default(settings.environment, settings.tags)},
        allowed_account_ids=[settings.account_id] if settings.account_id else None,
    )
    try:
        caller = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing narrower
        raise pulumi.RunError(_no_identity(settings, error)) from None
    finally:
        importing.join()
    identity = AccountIdentity.of_arn(caller.arn)
    _require_own_account(identity, settings, standing)
    return Account(provider=provider, identity=identity)


def _no_identity(settings: Settings, error: Exception) -> str:
    reason = " ".join(str(error).split())
    pinned = f" of account {settings.account_id}" if settings.account_id else ""
    return f"AWS accepts no credentials{pinned} in {settings.region}: {reason}"


def _require_own_account(
    identity: AccountIdentity, settings: Settings, standing: Iterable[StandingResource]
) -> None:
    """Refuse credentials of another account.

    Raises:
        pulumi.RunError: it names both accounts.
    """
    if settings.account_id and settings.account_id != identity.account_id:
        raise pulumi.RunError(
            f"sandbox:account_id = {settings.account_id}: the credentials belong to account "
            f"{identity.account_id}; use credentials of account {settings.account_id}"
        )
    for resource in standing:
        if resource.type != catalogue.VPC.name or "arn" not in resource.outputs:
            continue  # a repaired stack has no outputs before its refresh
        account_id = AccountIdentity.of_arn(resource.outputs["arn"]).account_id
        if account_id != identity.account_id:
            raise pulumi.RunError(
                f"the credentials belong to account {identity.account_id}, but the stack is in "
                f"account {account_id}; use credentials of account {account_id}"
            )


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
