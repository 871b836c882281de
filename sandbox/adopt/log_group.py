"""The log group that the old environment's instances may have made by themselves.

The old policy let them, and Terraform knows nothing of it; the program makes that group, so an
update would end halfway at AWS's `ResourceAlreadyExistsException`. So it is adopted, with all that
it holds.
"""

from dataclasses import replace

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import names
from sandbox.adopt.mapping import INSTANCES, LOG_GROUP, Adopted, Plan
from sandbox.core.errors import SandboxError


def with_group(plan: Plan, region: str, name: str) -> Plan:
    """*plan*, and the log group *name* of *region* if the account has it.

    Raises:
        SandboxError: the account does not tell.
    """
    days = _days(region, name)
    if days is None:
        return plan
    known = next((one.address for one in plan.left if one.id == name), "a log group of no state")
    group = Adopted(
        address=known,
        type=LOG_GROUP,
        parent=INSTANCES,
        name=names.INSTANCE_LOGS,
        import_id=name,
        id=name,
    )
    left = tuple(one for one in plan.left if one.address != known)
    return replace(plan, adopted=(*plan.adopted, group), left=left, log_days=days)


def _days(region: str, name: str) -> int | None:
    """How long the group keeps its events, 0 for ever; None if there is none."""
    pages = boto3.client("logs", region_name=region).get_paginator("describe_log_groups")
    try:
        for page in pages.paginate(logGroupNamePrefix=name):
            for group in page["logGroups"]:
                if group.get("logGroupName") == name:
                    return group.get("retentionInDays", 0)
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{region}: whether there is a log group {name} cannot be asked: {error}; allow "
            "logs:DescribeLogGroups"
        ) from None
    return None
