"""A reference client: what the service does with its key and the stack's configuration.

It launches, lists, stops and terminates sandboxes with nothing but ``sandbox_config`` and the
manager's own key. Copy it, or import it next to ``sandbox_client.config`` and ``sandbox_client.launch``:

    client = Sandboxes(SandboxConfig.from_environment())
    sandbox = client.launch("alice")
"""

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

NO_CAPACITY: Final = frozenset({"InsufficientInstanceCapacity", "Unsupported"})
"""What EC2 answers where another zone may still have room, or offer the type at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One researcher's instance."""

    instance_id: str
    user_id: str
    state: str
    zone: str
    public_ip: str | None


class Sandboxes:
    """The sandboxes of one stack, through the manager's own rights."""

    def __init__(self, config: SandboxConfig, ec2: "EC2Client | None" = None) -> None:
        self.config = config
        self.ec2: EC2Client = ec2 or boto3.client("ec2", region_name=config.region)

    def launch(self, user_id: str, *, instance_type: str | None = None) -> Sandbox:
        """Start a sandbox in the first zone that has room.

        Raises:
            ClientError: EC2's last answer, where no zone has room or the launch is refused.
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
        """The sandboxes of *user_id*, or of everybody; those that are gone are left out."""
        tags = {
            "Project": self.config.required_tags["Project"],
            "Environment": self.config.environment,
            self.config.user_tag: user_id or "*",
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
        return [
            self._sandbox(instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]

    def stop(self, instance_id: str) -> None:
        """Stop the instance; its volume stays, and costs."""
        self.ec2.stop_instances(InstanceIds=[instance_id])

    def start(self, instance_id: str) -> None:
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
