"""The hard stop: what AWS Budgets attaches to the manager, and the role with which it does so."""

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, deny, statement, trust


def stop() -> tuple[Statement, ...]:
    """What is attached to the manager when the budget is spent."""
    return (no_spending(),)


def policy(scope: PolicyContext, manager_arn: str, stop_arn: str) -> tuple[Statement, ...]:
    """What the budget's role may do."""
    del scope  # all it touches is named by the two ARNs
    return (attach_the_stop(manager_arn, stop_arn),)


def taken_by_budgets(scope: PolicyContext) -> tuple[Statement, ...]:
    return (taken_by_budgets_of_this_account(scope),)


@statement
def no_spending() -> Statement:
    """Never launch or start an instance once the budget is spent; what runs can be stopped."""
    return deny("ec2:RunInstances", "ec2:StartInstances", on="*")


@statement
def attach_the_stop(manager_arn: str, stop_arn: str) -> Statement:
    """Attach the stop to the manager and take it off again, and no other policy, to nobody else."""
    kind = "User" if ":user/" in manager_arn else "Role"
    return allow(
        f"iam:Attach{kind}Policy",
        f"iam:Detach{kind}Policy",
        on=manager_arn,
        when={"ArnEquals": {"iam:PolicyARN": stop_arn}},
    )


@statement
def taken_by_budgets_of_this_account(scope: PolicyContext) -> Statement:
    """Only budgets of this account take the role."""
    return trust(
        "sts:AssumeRole",
        by={"Service": "budgets.amazonaws.com"},
        when={
            "StringEquals": {"aws:SourceAccount": scope.account_id},
            "ArnLike": {
                "aws:SourceArn": f"arn:{scope.partition}:budgets::{scope.account_id}:budget/*"
            },
        },
    )
