"""Checks that involve several settings. Each returns the problem with its cure, or None."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Final

from infra import addresses
from infra.settings.model import NAMESPACE, Settings


def _no_overlap(settings: Settings) -> str | None:
    if not settings.vpc_cidr.overlaps(settings.main_vpc_cidr):
        return None
    return (
        f"overlaps {NAMESPACE}:main_vpc_cidr = {settings.main_vpc_cidr}, which sandboxes must not "
        "reach; use a range outside it"
    )


def _slots_fit(settings: Settings) -> str | None:
    last = addresses.slot_count(settings.vpc_cidr) - 1
    too_high = [f"{zone}: {slot}" for zone, slot in settings.zones.items() if slot > last]
    if not too_high:
        return None
    return (
        f"{settings.vpc_cidr} holds slots 0 to {last}, but some are higher: {', '.join(too_high)}; "
        f"use lower slots or a wider {NAMESPACE}:vpc_cidr"
    )


def _zones_of_region(settings: Settings) -> str | None:
    elsewhere = [zone for zone in settings.zones if not zone.startswith(settings.region)]
    if not elsewhere:
        return None
    return f"{', '.join(elsewhere)}: not in region {settings.region}; use zones of that region"


def _trust_is_complete(settings: Settings) -> str | None:
    required = {
        "user": (),
        "irsa": ("oidc_provider_arn", "service_account"),
        "pod-identity": ("service_account",),
    }[settings.manager_identity]
    missing = [f"{NAMESPACE}:{name}" for name in required if not getattr(settings, name)]
    if not missing:
        return None
    return f"the role needs to know its one service account; set {' and '.join(missing)}"


def _provider_is_used(settings: Settings) -> str | None:
    if settings.oidc_provider_arn and settings.manager_identity != "irsa":
        return (
            f"applies only to {NAMESPACE}:manager_identity = irsa, but that is "
            f"{settings.manager_identity}; remove this setting, or set that one to irsa"
        )
    return None


def _account_is_used(settings: Settings) -> str | None:
    if settings.service_account and settings.manager_identity == "user":
        return (
            f"applies only to {NAMESPACE}:manager_identity = irsa or pod-identity, but that is "
            "user; remove this setting, or set that one to irsa or pod-identity"
        )
    return None


def _results_are_apart(settings: Settings) -> str | None:
    """Nobody can deny all results but a sandbox's own where a pattern allows them all."""
    if not settings.results_per_instance:
        return None
    bucket = settings.s3_output_bucket
    if settings.instances_read_outputs:
        return (
            "lets a sandbox read only its own results, but "
            f"{NAMESPACE}:instances_read_outputs lets it read all; set only one of the two"
        )
    covering = [pattern for pattern in settings.s3_read_buckets if fnmatchcase(bucket, pattern)]
    if not covering:
        return None
    return (
        f"{covering[0]} in {NAMESPACE}:s3_read_buckets lets every sandbox read "
        f"{NAMESPACE}:s3_output_bucket = {bucket}; name the buckets that they need there"
    )


def _budget_is_complete(settings: Settings) -> str | None:
    if bool(settings.monthly_budget_usd) == bool(settings.budget_email):
        return None
    return (
        f"a budget needs an address to notify; set both {NAMESPACE}:monthly_budget_usd and "
        f"{NAMESPACE}:budget_email, or neither"
    )


def _billing_is_there(settings: Settings) -> str | None:
    wanted = settings.monthly_budget_usd or settings.cost_allocation_tags != "off"
    if not wanted or not settings.region.startswith("us-gov-"):
        return None
    return (
        f"{settings.region} is in AWS GovCloud, which has neither AWS Budgets nor Cost Explorer: "
        "its costs are in the standard account that it belongs to; set "
        f"{NAMESPACE}:monthly_budget_usd to 0 and {NAMESPACE}:cost_allocation_tags to off"
    )


Check = Callable[[Settings], str | None]
COMBINATIONS: Final[Iterable[tuple[tuple[str, ...], Check]]] = (
    (("vpc_cidr", "main_vpc_cidr"), _no_overlap),
    (("zones", "vpc_cidr"), _slots_fit),
    (("zones", "region"), _zones_of_region),
    (("manager_identity", "oidc_provider_arn", "service_account"), _trust_is_complete),
    (("oidc_provider_arn", "manager_identity"), _provider_is_used),
    (("service_account", "manager_identity"), _account_is_used),
    (
        ("results_per_instance", "s3_read_buckets", "s3_output_bucket", "instances_read_outputs"),
        _results_are_apart,
    ),
    (("monthly_budget_usd", "budget_email"), _budget_is_complete),
    (("region", "monthly_budget_usd", "cost_allocation_tags"), _billing_is_there),
)
"""The keys that a check involves, and the check. The message names the first key."""
