"""Warns in a preview of a new budget that it counts nothing, because its tag is not active.

It asks AWS only where the last update left no such budget: each request to Cost Explorer costs 0.01
US dollars. `sandbox budget status` shows the same at any time.
"""

from collections.abc import Iterable

import pulumi

from infra import catalogue, cost_allocation, names
from infra.aws_clients import US_EAST_1, AwsClients
from infra.settings import Settings
from infra.standing import StandingResource


def warn_on_uncounted_budget(settings: Settings, standing: Iterable[StandingResource]) -> None:
    """Warn about a new or changed budget whose costs AWS will not count."""
    if not settings.monthly_budget_usd or not pulumi.runtime.is_dry_run():
        return
    limits = [
        float(resource.outputs.get("limitAmount", 0))
        for resource in standing
        if resource.type == catalogue.BUDGET.name
    ]
    if limits == [settings.monthly_budget_usd]:
        return
    if problem := _problem(settings):
        pulumi.log.warn(f"sandbox:monthly_budget_usd = {settings.monthly_budget_usd}: {problem}")


def _problem(settings: Settings) -> str:
    # imported here: few previews need it, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    tag = names.PROJECT_TAG
    try:
        status = cost_allocation.statuses(AwsClients(US_EAST_1).cost_explorer, [tag])[tag]
    except (BotoCoreError, ClientError) as error:
        return (
            f"the budget counts what carries {tag}, and whether that cost allocation tag is "
            f"active is unknown: {cost_allocation.refusal(error)}"
        )
    activates = settings.cost_allocation_tags != "off"
    if status == cost_allocation.ACTIVE or (activates and status != cost_allocation.UNKNOWN):
        return ""
    cure = (
        "update the stack again a day after the first launch"
        if activates
        else "set sandbox:cost_allocation_tags to auto"
    )
    return f"counts nothing as long as the cost allocation tag {tag} is not active; {cure}"
