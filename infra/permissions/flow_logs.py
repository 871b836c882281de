"""The role that writes the VPC's flow logs."""

from typing import Final

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, statement

WRITE: Final = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
ACTIONS: Final = (*WRITE, "logs:DescribeLogGroups")


def policy(context: PolicyContext, log_group_arn: str) -> tuple[Statement, ...]:
    """The permissions of the role. The stack creates the log group, so the role creates none."""
    return context.held(_work(log_group_arn), boundary(log_group_arn))


def boundary(log_group_arn: str) -> tuple[Statement, ...]:
    """The ceiling of the role, like `spending.boundary`."""
    return (*_work(log_group_arn), nothing_but_flow_logs())


def _work(log_group_arn: str) -> tuple[Statement, ...]:
    return (write_flow_logs(log_group_arn), find_the_flow_log_group())


@statement
def write_flow_logs(log_group_arn: str) -> Statement:
    """Write the VPC's flow log into its log group."""
    group = log_group_arn.removesuffix(":*")
    return allow(*WRITE, on=(group, f"{group}:*"))


@statement
def find_the_flow_log_group() -> Statement:
    """List the names of all log groups of the account; AWS cannot limit this to one group."""
    return allow("logs:DescribeLogGroups", on="*")


@statement
def nothing_but_flow_logs() -> Statement:
    """Deny all other actions and services."""
    return Statement(effect="Deny", all_actions_but=ACTIONS, resources=("*",))
