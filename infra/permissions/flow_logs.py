"""The role with which the VPC's flow logs are written."""

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, statement


def policy(_: PolicyContext, log_group_arn: str) -> tuple[Statement, ...]:
    """What the flow log may do: the log group is made by the stack, so it makes none."""
    return (write_flow_logs(log_group_arn), find_the_flow_log_group())


@statement
def write_flow_logs(log_group_arn: str) -> Statement:
    """Write the VPC's flow log into its one log group."""
    group = log_group_arn.removesuffix(":*")
    return allow(
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        on=(group, f"{group}:*"),
    )


@statement
def find_the_flow_log_group() -> Statement:
    """List the names of the account's log groups, which cannot be narrowed."""
    return allow("logs:DescribeLogGroups", on="*")
