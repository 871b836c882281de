"""What keeps costs visible and bounded: the tags that reports group by, and the hard stop."""

import pulumi

from infra import cost_tags
from infra.cost_tags import CostTags
from infra.manager import Manager
from infra.permissions.scope import Scope
from infra.settings import Settings
from infra.spending_stop import SpendingStop, SpendingStopArgs


def control(
    settings: Settings, scope: Scope, manager: Manager, opts: pulumi.ResourceOptions
) -> SpendingStop:
    """Activate the tags and arm the stop, as far as the settings ask for them."""
    CostTags("sandbox", cost_tags.wanted(settings), opts)
    return SpendingStop(
        "sandbox",
        SpendingStopArgs(
            scope=scope,
            limit=settings.monthly_budget_usd,
            email=settings.budget_email,
            is_user=settings.manager_identity == "user",
            manager_arn=manager.arn,
        ),
        opts,
    )
