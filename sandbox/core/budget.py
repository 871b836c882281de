"""The stack's monthly budget and its action, which attaches the spending stop to the manager.

AWS Budgets watches an action in STANDBY only. One whose stop was lifted is no longer watched until
it is reset, whatever is spent.
https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-action-review.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra import catalogue, names
from infra.aws_clients import AwsClients
from sandbox.core.stack import Resource

ARMED: Final = "STANDBY"
LIFT: Final = "sandbox budget lift --stack {stack}"
NOT_ARMED: Final = ("lifted and not armed, so nothing stops launches", LIFT)
STATES: Final[Mapping[str, tuple[str, str]]] = {
    ARMED: ("armed", ""),
    "PENDING": ("spent; the stop waits for an approval", "approve it in the Budgets console"),
    "EXECUTION_IN_PROGRESS": ("spent; AWS is attaching the stop", "look again in a minute"),
    "EXECUTION_SUCCESS": ("spent; the manager can neither launch nor start", LIFT),
    "EXECUTION_FAILURE": (
        "spent, but AWS could not attach the stop, so launches go on",
        f"check the role {names.BUDGET}, then retry the action in the Budgets console",
    ),
    "REVERSE_IN_PROGRESS": ("the stop is being lifted", "look again in a minute"),
    "REVERSE_SUCCESS": NOT_ARMED,
    "REVERSE_FAILURE": ("AWS could not lift the stop", LIFT),
    "RESET_IN_PROGRESS": ("lifted; AWS is arming the stop", "look again in a minute"),
    "RESET_FAILURE": NOT_ARMED,
}
"""What each status of AWS means, and what to do about it."""
STILL_ATTACHED: Final = "armed, but the stop is still attached to the manager"
"""After a reset, or a new month, that did not lift it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A budget and its action, as AWS has them."""

    limit: Decimal
    spent: Decimal
    status: str
    """The action's status in AWS's own word, like STANDBY."""
    attached: bool
    """Whether the stop is attached to the manager."""

    @property
    def armed(self) -> bool:
        """Whether AWS watches the budget, and launches are possible."""
        return self.status == ARMED and not self.attached

    @property
    def amounts(self) -> str:
        return f"{self.spent:.2f} of {self.limit:.2f} US dollars of this month"

    def state(self, stack: str) -> str:
        """What the status means, with the cure."""
        text, cure = STATES.get(self.status, (self.status, "see the Budgets console"))
        if self.status == ARMED and self.attached:
            text, cure = STILL_ATTACHED, LIFT
        return "; ".join(filter(None, (text, cure.format(stack=stack))))


def action_of(resources: Iterable[Resource]) -> Resource | None:
    """The budget's action in a stack's state; None if the stack has no budget."""
    return next((item for item in resources if item.type == catalogue.BUDGET_ACTION.name), None)


def names_of(action: Resource) -> dict[str, str]:
    """How the Budgets API names *action*."""
    account_id, action_id, budget_name = action.id.split(":", 2)
    return {"AccountId": account_id, "BudgetName": budget_name, "ActionId": action_id}


def stop_of(action: Resource) -> str:
    """The ARN of the policy that *action* attaches."""
    return str(action.outputs["definition"]["iamActionDefinition"]["policyArn"])


def read(aws: AwsClients, action: Resource) -> Budget:
    """The budget of *action* as AWS has it now."""
    called = names_of(action)
    budget = aws.budgets.describe_budget(
        AccountId=called["AccountId"], BudgetName=called["BudgetName"]
    )["Budget"]
    answer = aws.budgets.describe_budget_action(**called)["Action"]
    spent = budget.get("CalculatedSpend", {}).get("ActualSpend", {}).get("Amount", "0")
    return Budget(
        limit=Decimal(budget.get("BudgetLimit", {}).get("Amount", "0")),
        spent=Decimal(spent),
        status=answer["Status"],
        attached=aws.is_attached(stop_of(action)),
    )
