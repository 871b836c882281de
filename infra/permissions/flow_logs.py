"""The role that writes the VPC's flow logs."""

from infra.permissions.statements import Statement, allow, statement


def policy(log_group_arn: str) -> tuple[Statement, ...]:
    """What the role may do. The stack creates the log group, so the role may not create any."""
    return (write_flow_logs(log_group_arn), find_the_flow_log_group())


@statement
def write_flow_logs(log_group_arn: str) -> Statement:
    """Write the VPC's flow log into its log group."""
    group = log_group_arn.removesuffix(":*")
    return allow(
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        on=(group, f"{group}:*"),
    )


@statement
def find_the_flow_log_group() -> Statement:
    """List the names of all log groups of the account; AWS cannot limit this to one group."""
    return allow("logs:DescribeLogGroups", on="*")
