"""The hard stop that IAM alone cannot give: a budget that takes launches from the manager."""

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import budgets

from infra import names
from infra.lazy_aws import iam
from infra.permissions import spending
from infra.permissions.context import PolicyContext
from infra.permissions.statements import TRUST_POLICY_LIMIT, document
from infra.tags import named

STOP_AT_PERCENT: Final = 100.0
"""Percent of the budget at which the stop is attached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingStopArgs:
    """*limit* is in US dollars a month; 0 makes no budget."""

    policy_context: PolicyContext
    limit: int
    email: str
    is_user: bool
    """Whether the manager is a user; otherwise it is a role."""
    manager_arn: pulumi.Input[str]


class SpendingStop(pulumi.ComponentResource):
    """A monthly budget of the project, and the action that stops launches when it is spent."""

    def __init__(
        self, name: str, args: SpendingStopArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sandbox:spending_stop:SpendingStop", name, {}, opts)
        if args.limit:
            self._stop(args)
        self.register_outputs({})

    def _stop(self, args: SpendingStopArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        stop = iam.Policy(
            names.SPENDING_STOP,
            name=names.SPENDING_STOP,
            description="Attached to the manager by the budget: no launches, no starts",
            policy=document(spending.stop()),
            tags=named(names.SPENDING_STOP),
            opts=child,
        )
        role = iam.Role(
            names.BUDGET,
            name=names.BUDGET,
            description="Lets the sandbox budget attach its stop to the manager",
            assume_role_policy=document(
                spending.taken_by_budgets(args.policy_context), limit=TRUST_POLICY_LIMIT
            ),
            tags=named(names.BUDGET),
            opts=child,
        )
        rights = iam.RolePolicy(
            names.BUDGET,
            name=names.BUDGET,
            role=role.name,
            policy=pulumi.Output.all(args.manager_arn, stop.arn).apply(
                lambda arns: document(spending.policy(args.policy_context, *arns))
            ),
            opts=child,
        )
        budget = budgets.Budget(
            names.BUDGET,
            name=names.BUDGET,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.limit),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:Project${names.PROJECT}"]}],
            tags=named(names.BUDGET),
            opts=child,
        )
        budgets.BudgetAction(
            names.SPENDING_STOP,
            budget_name=budget.name,
            action_type="APPLY_IAM_POLICY",
            approval_model="AUTOMATIC",
            notification_type="ACTUAL",
            action_threshold={
                "action_threshold_type": "PERCENTAGE",
                "action_threshold_value": STOP_AT_PERCENT,
            },
            definition={
                "iam_action_definition": {
                    "policy_arn": stop.arn,
                    "users": [names.MANAGER] if args.is_user else None,
                    "roles": None if args.is_user else [names.MANAGER],
                }
            },
            execution_role_arn=role.arn,
            subscribers=[{"subscription_type": "EMAIL", "address": args.email}],
            tags=named(names.SPENDING_STOP),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rights]),
        )
