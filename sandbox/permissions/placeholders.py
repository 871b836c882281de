"""The table's placeholders, with the values of a stack that exists."""

from collections.abc import Mapping
from typing import Any

from infra import names
from infra.settings import Settings
from sandbox.permissions.table import World

MADE_UP = "0" * 12


def world(settings: Settings, outputs: Mapping[str, Any], account: str, partition: str) -> World:
    own = f"arn:{partition}:iam::{account}"
    ec2 = f"arn:{partition}:ec2:{settings.region}:{account}"
    manager = "user" if settings.manager_identity == "user" else "role"
    return {
        "partition": partition,
        "region": settings.region,
        "other_region": "eu-west-1" if settings.region != "eu-west-1" else "us-east-1",
        "account": account,
        "stranger": MADE_UP,
        "environment": settings.environment,
        "vpc": f"{ec2}:vpc/{outputs['vpc_id']}",
        "vpc_id": outputs["vpc_id"],
        "other_vpc": f"{ec2}:vpc/vpc-0ffffffffffffffff",
        "subnet": f"{ec2}:subnet/{outputs['public_subnet_ids'][0]}",
        "profile": f"{own}:instance-profile/{names.INSTANCE_PROFILE}",
        "instance_type": settings.default_instance_type,
        "output_bucket": settings.s3_output_bucket,
        "log_prefix": settings.log_prefix,
        "principal:manager": f"{own}:{manager}{names.MANAGER_PATH}{names.MANAGER}",
        "principal:instance": f"{own}:role/{names.INSTANCE_ROLE}",
        "stop": f"{own}:policy/{names.SPENDING_STOP}",
        "principal:manager out of budget": "",
        "principal:budget": f"{own}:role/{names.SPENDING_STOP}",
        "principal:flow logs": f"{own}:role/{names.FLOW_LOGS}",
    }
