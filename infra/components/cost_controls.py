"""What keeps costs visible and bounded: the tags that reports group by, and the hard stop."""

import pulumi

from infra.components import cost_tags
from infra.components.cost_tags import CostTags
from infra.components.manager import Manager
from infra.components.spending_stop import SpendingStop, SpendingStopArgs
from infra.permissions.context import PolicyContext
from infra.settings import Settings


def create_cost_controls(
    settings: Settings,
    policy_context: PolicyContext,
    manager: Manager,
    opts: pulumi.ResourceOptions,
) -> SpendingStop:
    """Activate the tags and arm the stop, as far as the settings ask for them."""
    CostTags("sandbox", cost_tags.wanted(settings), opts)
    return SpendingStop(
        "sandbox",
        SpendingStopArgs(
            policy_context=policy_context,
            limit=settings.monthly_budget_usd,
            email=settings.budget_email,
            is_user=settings.manager_identity == "user",
            manager_arn=manager.arn,
        ),
        opts,
    )
