"""The spending stop: the policy that AWS Budgets attaches to the manager, and the role for that."""

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, allow_to_assume, deny, statement


def stop() -> tuple[Statement, ...]:
    """The policy that is attached to the manager when the budget is spent."""
    return (no_spending(),)


def policy(context: PolicyContext, manager_arn: str, stop_arn: str) -> tuple[Statement, ...]:
    """The permissions of the budget's role."""
    allowed = (attach_the_stop(manager_arn, stop_arn),)
    return context.held(allowed, boundary(manager_arn, stop_arn))


def boundary(manager_arn: str, stop_arn: str) -> tuple[Statement, ...]:
    """The ceiling of the role: what the policy allows, so an attached policy adds nothing."""
    return (attach_the_stop(manager_arn, stop_arn), nothing_but_the_stop(manager_arn))


def trust(context: PolicyContext) -> tuple[Statement, ...]:
    return (taken_by_budgets_of_this_account(context),)


@statement
def no_spending() -> Statement:
    """Deny launching and starting instances once the budget is spent."""
    return deny("ec2:RunInstances", "ec2:StartInstances", on="*")


@statement
def attach_the_stop(manager_arn: str, stop_arn: str) -> Statement:
    """Attach the spending stop to the manager, and detach it again."""
    return allow(
        *_attachment_actions(manager_arn),
        on=manager_arn,
        when={"ArnEquals": {"iam:PolicyARN": stop_arn}},
    )


@statement
def nothing_but_the_stop(manager_arn: str) -> Statement:
    """Deny all other actions and services."""
    return Statement(
        effect="Deny", all_actions_but=_attachment_actions(manager_arn), resources=("*",)
    )


@statement
def taken_by_budgets_of_this_account(context: PolicyContext) -> Statement:
    """Only budgets of this account can assume the budget's role."""
    return allow_to_assume(
        "sts:AssumeRole",
        by={"Service": "budgets.amazonaws.com"},
        when={
            "StringEquals": {"aws:SourceAccount": context.account_id},
            "ArnLike": {
                "aws:SourceArn": f"arn:{context.partition}:budgets::{context.account_id}:budget/*"
            },
        },
    )


def _attachment_actions(manager_arn: str) -> tuple[str, str]:
    kind = "User" if ":user/" in manager_arn else "Role"
    return (f"iam:Attach{kind}Policy", f"iam:Detach{kind}Policy")
