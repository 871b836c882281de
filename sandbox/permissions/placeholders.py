"""The values of the table's placeholders for a stack that is up."""

from collections.abc import Mapping
from typing import Any, Final

from infra import names
from infra.account import AccountIdentity
from infra.settings import Settings
from sandbox.permissions.table import Placeholders

OTHER_ACCOUNT: Final = "0" * 12
"""A made-up account."""


def of_stack(
    settings: Settings, outputs: Mapping[str, Any], account: AccountIdentity
) -> Placeholders:
    """The values for the stack with *settings* and *outputs* in *account*."""
    iam = f"arn:{account.partition}:iam::{account.account_id}"
    ec2 = f"arn:{account.partition}:ec2:{settings.region}:{account.account_id}"
    manager_type = "user" if settings.manager_identity == "user" else "role"
    manager = f"{iam}:{manager_type}{settings.manager_path}{names.MANAGER}"
    return {
        "partition": account.partition,
        "region": settings.region,
        "other_region": "eu-west-1" if settings.region != "eu-west-1" else "us-east-1",
        "account": account.account_id,
        "stranger": OTHER_ACCOUNT,
        "environment": settings.environment,
        "vpc": f"{ec2}:vpc/{outputs['vpc_id']}",
        "vpc_id": outputs["vpc_id"],
        "other_vpc": f"{ec2}:vpc/vpc-0ffffffffffffffff",
        "subnet": f"{ec2}:subnet/{outputs['public_subnet_ids'][0]}",
        "profile": f"{iam}:instance-profile/{names.INSTANCE_PROFILE}",
        "ami_id": settings.sandbox_ami_id or "none",
        "instance_type": settings.default_instance_type,
        "output_bucket": settings.s3_output_bucket,
        "log_prefix": settings.log_prefix,
        "stop": f"{iam}:policy/{names.SPENDING_STOP}",
        "principal:manager": manager,
        "principal:manager out of budget": manager,
        "principal:instance": f"{iam}:role/{names.INSTANCE_ROLE}",
        "principal:budget": f"{iam}:role/{names.BUDGET}",
        "principal:flow logs": f"{iam}:role/{names.FLOW_LOGS}",
    }
