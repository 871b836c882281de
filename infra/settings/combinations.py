"""Checks that involve several settings. Each returns the problem, or None."""

from collections.abc import Callable, Iterable
from typing import Final

from infra import addresses
from infra.settings.model import NAMESPACE, Settings


def _no_overlap(settings: Settings) -> str | None:
    if not settings.vpc_cidr.overlaps(settings.main_vpc_cidr):
        return None
    return (
        f"overlaps main_vpc_cidr {settings.main_vpc_cidr}, the network that the sandboxes are "
        "isolated from; choose a range outside it"
    )


def _slots_fit(settings: Settings) -> str | None:
    last = addresses.slot_count(settings.vpc_cidr) - 1
    too_high = [f"{zone}: {slot}" for zone, slot in settings.zones.items() if slot > last]
    if not too_high:
        return None
    return (
        f"{settings.vpc_cidr} holds slots 0 to {last}, which leaves out {', '.join(too_high)}; "
        "choose lower slots or a wider vpc_cidr"
    )


def _zones_of_region(settings: Settings) -> str | None:
    strangers = [zone for zone in settings.zones if not zone.startswith(settings.region)]
    if not strangers:
        return None
    return f"{', '.join(strangers)}: not in region {settings.region}; name zones of that region"


def _trust_is_complete(settings: Settings) -> str | None:
    bound_to = {
        "user": (),
        "irsa": ("oidc_provider_arn", "service_account"),
        "pod-identity": ("service_account",),
    }[settings.manager_identity]
    missing = [f"{NAMESPACE}:{name}" for name in bound_to if not getattr(settings, name)]
    if not missing:
        return None
    return f"the role is for one service account only; set {' and '.join(missing)}"


def _provider_is_used(settings: Settings) -> str | None:
    if settings.oidc_provider_arn and settings.manager_identity != "irsa":
        return (
            f"is used only with {NAMESPACE}:manager_identity = irsa, which is "
            f"{settings.manager_identity}; remove it or set irsa"
        )
    return None


def _account_is_used(settings: Settings) -> str | None:
    if settings.service_account and settings.manager_identity == "user":
        return (
            f"is used only with {NAMESPACE}:manager_identity = irsa or pod-identity, which is "
            "user; remove it or set one of these"
        )
    return None


def _budget_is_complete(settings: Settings) -> str | None:
    if bool(settings.monthly_budget_usd) == bool(settings.budget_email):
        return None
    return (
        f"a budget and the address that hears of it belong together; set both "
        f"{NAMESPACE}:monthly_budget_usd and {NAMESPACE}:budget_email, or neither"
    )


Check = Callable[[Settings], str | None]
COMBINATIONS: Final[Iterable[tuple[tuple[str, ...], Check]]] = (
    (("vpc_cidr", "main_vpc_cidr"), _no_overlap),
    (("zones", "vpc_cidr"), _slots_fit),
    (("zones", "region"), _zones_of_region),
    (("manager_identity", "oidc_provider_arn", "service_account"), _trust_is_complete),
    (("oidc_provider_arn", "manager_identity"), _provider_is_used),
    (("service_account", "manager_identity"), _account_is_used),
    (("monthly_budget_usd", "budget_email"), _budget_is_complete),
)
"""The keys that a check involves (the message names the first), and the check."""
