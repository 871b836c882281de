"""Adopt the log group that instances of the old environment may have created.

The old policy let them create it, and Terraform does not know it. The program creates a log group
of the same name, so without this the next update would fail halfway with AWS's
`ResourceAlreadyExistsException`.
"""

from dataclasses import replace
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import catalogue, names
from infra.aws_clients import AwsClients, error_reason
from sandbox.adopt.mapping import INSTANCES, AdoptedResource, AdoptionPlan
from sandbox.core.errors import SandboxError

NOT_IN_STATE: Final = "a log group outside Terraform's state"


def with_log_group(plan: AdoptionPlan, aws: AwsClients, name: str) -> AdoptionPlan:
    """Add the log group *name* to *plan*, if the account has it.

    Raises:
        SandboxError: AWS does not list the log groups.
    """
    retention_days = _retention_days(aws, name)
    if retention_days is None:
        return plan
    address = next(
        (resource.address for resource in plan.left_alone if resource.id == name), NOT_IN_STATE
    )
    group = AdoptedResource(
        address=address,
        type=catalogue.LOG_GROUP.name,
        parent=INSTANCES,
        name=names.INSTANCE_LOGS,
        import_id=name,
        id=name,
    )
    return replace(
        plan,
        adopted=(*plan.adopted, group),
        left_alone=tuple(item for item in plan.left_alone if item.address != address),
        log_retention_days=retention_days,
    )


def _retention_days(aws: AwsClients, name: str) -> int | None:
    """Days for which the group keeps events: 0 means for ever; None if the group does not exist."""
    try:
        groups = aws.list_all("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{aws.region}: AWS does not say whether the log group {name} exists: "
            f"{error_reason(error)}; allow logs:DescribeLogGroups"
        ) from None
    for group in groups:
        if group["logGroupName"] == name:
            return group.get("retentionInDays", 0)
    return None
