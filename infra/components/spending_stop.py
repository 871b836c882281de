"""The spending stop: a monthly budget that denies launches to the manager when it is spent."""

from typing import Final

import pulumi
from pulumi_aws import budgets

from infra import names
from infra.components.managed_policies import managed_policy, service_role
from infra.context import StackContext
from infra.known_outputs import once_known
from infra.lazy_aws import iam
from infra.permissions import spending
from infra.permissions.statements import document
from infra.tags import named

STOP_AT_PERCENT: Final = 100.0
"""Percent of the budget at which AWS attaches the stop to the manager."""


class SpendingStop(pulumi.ComponentResource):
    """A monthly budget of the project, and the action that denies launches when it is spent."""

    def __init__(
        self,
        name: str,
        context: StackContext,
        manager_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:spending_stop:SpendingStop", name, {}, opts)
        if context.settings.monthly_budget_usd:
            self._create(context, manager_arn)
        self.register_outputs({})

    def _create(self, context: StackContext, manager_arn: pulumi.Input[str]) -> None:
        settings = context.settings
        is_user = settings.manager_identity == "user"
        child = pulumi.ResourceOptions(parent=self)
        stop = managed_policy(
            names.SPENDING_STOP,
            "Attached to the manager by the budget: no launches, no starts",
            document(spending.stop()),
            child,
        )
        boundary_arn = (
            settings.permissions_boundary
            or managed_policy(
                names.BUDGET_BOUNDARY,
                "The most that the role of the budget can ever be allowed",
                once_known(lambda arns: document(spending.boundary(*arns)), manager_arn, stop.arn),
                child,
            ).arn
        )
        role = service_role(
            names.BUDGET,
            "Lets the sandbox budget attach its stop to the manager",
            trust=spending.trust(context.policy_context),
            boundary_arn=boundary_arn,
            opts=child,
        )
        rights = iam.RolePolicy(
            names.BUDGET,
            name=names.BUDGET,
            role=role.name,
            policy=once_known(
                lambda arns: document(spending.policy(context.policy_context, *arns)),
                manager_arn,
                stop.arn,
            ),
            opts=child,
        )
        budget = budgets.Budget(
            names.BUDGET,
            name=names.BUDGET,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(settings.monthly_budget_usd),
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
                    "users": [names.MANAGER] if is_user else None,
                    "roles": None if is_user else [names.MANAGER],
                }
            },
            execution_role_arn=role.arn,
            subscribers=[{"subscription_type": "EMAIL", "address": settings.budget_email}],
            tags=named(names.SPENDING_STOP),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rights]),
        )
