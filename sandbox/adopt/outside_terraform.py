"""Adopt what the program would create although the account has it, whoever created it.

Instances may have created their log group, which the old policy allowed. Somebody may have given
the route table a gateway endpoint of S3. The next update would create both again and fail halfway.
"""

from dataclasses import replace
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import catalogue, names
from infra.aws_clients import AwsClients, error_reason
from sandbox.adopt.mapping import INSTANCES, NETWORK, AdoptedResource, AdoptionPlan
from sandbox.core.errors import SandboxError

NOT_IN_STATE: Final = "not in Terraform's state"


def with_log_group(plan: AdoptionPlan, aws: AwsClients, name: str) -> AdoptionPlan:
    """Add the log group *name* to *plan*, if the account has it.

    Raises:
        SandboxError: AWS does not list the log groups.
    """
    retention_days = _retention_days(aws, name)
    if retention_days is None:
        return plan
    adopted = _with(plan, catalogue.LOG_GROUP, INSTANCES, names.INSTANCE_LOGS, name)
    return replace(adopted, log_retention_days=retention_days)


def with_endpoint(plan: AdoptionPlan, aws: AwsClients) -> AdoptionPlan:
    """Add the gateway endpoint of S3 that the public route table uses, if there is one.

    Raises:
        SandboxError: AWS does not list the endpoints.
    """
    try:
        endpoints = aws.describe(
            "describe_vpc_endpoints",
            "VpcEndpoints",
            {
                "vpc-id": [plan.environment.vpc.id],
                "service-name": [f"com.amazonaws.{aws.region}.s3"],
            },
        )
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{aws.region}: AWS does not list the endpoints of {plan.environment.vpc.id}: "
            f"{error_reason(error)}; allow ec2:DescribeVpcEndpoints"
        ) from None
    for endpoint in endpoints:
        if plan.environment.route_table in endpoint.get("RouteTableIds", []):
            identifier = endpoint["VpcEndpointId"]
            return _with(plan, catalogue.VPC_ENDPOINT, NETWORK, f"{names.VPC}-s3", identifier)
    return plan


def _with(
    plan: AdoptionPlan,
    resource_type: catalogue.ResourceType,
    parent: str,
    name: str,
    identifier: str,
) -> AdoptionPlan:
    """*plan* with a resource of the account, which is no longer left alone."""
    known = next((item for item in plan.left_alone if item.id == identifier), None)
    adopted = AdoptedResource(
        address=known.address if known else NOT_IN_STATE,
        where=known.where if known else "",
        type=resource_type.name,
        parent=parent,
        name=name,
        import_id=identifier,
        id=identifier,
    )
    return replace(
        plan,
        adopted=(*plan.adopted, adopted),
        left_alone=tuple(item for item in plan.left_alone if item is not known),
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
