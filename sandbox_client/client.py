"""The reference client: it launches, lists, stops, starts and terminates sandboxes.

It uses `sandbox_config` and the manager's own credentials, and nothing else of the stack:

    sandboxes = Sandboxes(SandboxConfig.from_environment())
    sandbox = sandboxes.launch("alice")
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import ClientError

from sandbox_client.config import SandboxConfig
from sandbox_client.launch import launch_request

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

NO_CAPACITY: Final = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientFreeAddressesInSubnet",
        "Unsupported",  # the zone does not offer the instance type
    }
)
"""Error codes that hold for one zone or its subnet only, so that the next zone may work.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
NOT_LITERAL: Final = re.compile(r"[^\w .:/@=+-]")
"""Characters that a filter may read as a wildcard or an escape.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"""
ANY_CHARACTER: Final = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One researcher's instance."""

    instance_id: str
    user_id: str
    state: str
    """EC2's name of it: pending, running, stopping or stopped."""
    zone: str
    public_ip: str | None


class Sandboxes:
    """The sandboxes of one stack. Without *ec2* it uses the credentials that boto3 finds."""

    def __init__(self, config: SandboxConfig, ec2: "EC2Client | None" = None) -> None:
        self.config = config
        self.ec2: EC2Client = ec2 or boto3.client("ec2", region_name=config.region)

    def launch(self, user_id: str, *, instance_type: str | None = None) -> Sandbox:
        """Launch a sandbox of *user_id* in the first zone that has room.

        Raises:
            SandboxConfigError: the request is not valid; EC2 was not asked.
            ClientError: no zone has room, or EC2 refused the launch.
        """
        refusal: ClientError | None = None
        for subnet_id in self.config.subnet_ids:
            request = launch_request(
                self.config, user_id, instance_type=instance_type, subnet_id=subnet_id
            )
            try:
                (instance,) = self.ec2.run_instances(**request)["Instances"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in NO_CAPACITY:
                    raise
                refusal = error
            else:
                return self._sandbox(instance)
        assert refusal is not None, "a configuration has at least one subnet"  # noqa: S101 - its model says so
        raise refusal

    def list(self, user_id: str | None = None) -> Sequence[Sandbox]:
        """The sandboxes of exactly *user_id*, or of every user; terminated ones are left out."""
        # EC2's filters know wildcards: ask for at least this user's, then compare exactly
        pattern = "*" if user_id is None else NOT_LITERAL.sub(ANY_CHARACTER, user_id)
        tags = {
            "Project": self.config.required_tags["Project"],
            "Environment": self.config.environment,
            self.config.user_tag: pattern,
        }
        pages = self.ec2.get_paginator("describe_instances").paginate(
            Filters=[
                *({"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()),
                {"Name": "vpc-id", "Values": [self.config.vpc_id]},
                {
                    "Name": "instance-state-name",
                    "Values": ["pending", "running", "stopping", "stopped"],
                },
            ]
        )
        sandboxes = [
            self._sandbox(instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]
        return [sandbox for sandbox in sandboxes if user_id in (None, sandbox.user_id)]

    def stop(self, instance_id: str) -> None:
        """Stop the instance. Its volume stays and is still charged."""
        self.ec2.stop_instances(InstanceIds=[instance_id])

    def start(self, instance_id: str) -> None:
        """Start a stopped instance."""
        self.ec2.start_instances(InstanceIds=[instance_id])

    def terminate(self, instance_id: str) -> None:
        """Delete the instance with its volume."""
        self.ec2.terminate_instances(InstanceIds=[instance_id])

    def _sandbox(self, instance: "InstanceTypeDef") -> Sandbox:
        tags = {tag.get("Key"): tag.get("Value", "") for tag in instance.get("Tags", [])}
        return Sandbox(
            instance_id=instance.get("InstanceId", ""),
            user_id=tags.get(self.config.user_tag, ""),
            state=instance.get("State", {}).get("Name", ""),
            zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
            public_ip=instance.get("PublicIpAddress"),
        )
