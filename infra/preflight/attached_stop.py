"""Refuses to delete the spending stop, or its manager, while AWS Budgets has attached it.

AWS deletes neither an attached policy nor the user or role that it is attached to, so the update or
the destroy would end half-way.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pulumi

from infra import catalogue, names
from infra.attachments import Created
from infra.aws_clients import AwsClients
from infra.settings import Settings
from infra.standing import StandingResource

ATTACHED: Final = (
    "the budget is spent and its stop is attached to the manager; lift it first: "
    "sandbox budget lift"
)


def require_lifted(settings: Settings, standing: Iterable[StandingResource]) -> None:
    """Refuse settings that delete the stop or replace the manager while the stop is attached.

    Raises:
        pulumi.RunError: it names the setting and the command that lifts the stop.
    """
    standing = list(standing)
    for resource in standing:
        if resource.type != catalogue.BUDGET_ACTION.name or "definition" not in resource.outputs:
            continue  # a repaired stack has no outputs before its refresh
        if setting := _changed(settings, resource.outputs["definition"]):
            refuse_if_attached(AwsClients(settings.region), standing, f"sandbox:{setting}: ")


def _changed(settings: Settings, definition: Mapping[str, Any]) -> str:
    """The setting, with its value, that deletes the stop or replaces its manager."""
    if not settings.monthly_budget_usd:
        return "monthly_budget_usd = 0"
    was_user = bool(definition["iamActionDefinition"].get("users"))
    if was_user != (settings.manager_identity == "user"):
        return f"manager_identity = {settings.manager_identity}"
    return ""


def refuse_if_attached(aws: AwsClients, standing: Iterable[Created], reason: str = "") -> None:
    """Refuse if the stop of the *standing* stack is attached to anything.

    Raises:
        pulumi.RunError: it is; the text begins with *reason*.
    """
    # imported here: few updates need it, and the import would slow every preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    for resource in standing:
        if resource.type == catalogue.POLICY.name and resource.id.endswith(
            f":policy/{names.SPENDING_STOP}"
        ):
            try:
                attached = aws.is_attached(resource.id)
            except (BotoCoreError, ClientError) as error:
                raise pulumi.RunError(
                    f"{reason}whether the spending stop is attached could not be read: {error}; "
                    "allow iam:ListEntitiesForPolicy"
                ) from None
            if attached:
                raise pulumi.RunError(f"{reason}{ATTACHED}")
