"""CreateImage as EC2 does it, for moto 5.2.5.

moto refuses tags for the snapshots (NotImplementedError), takes a name twice, and makes a snapshot
of 15 GiB, not encrypted, whatever the machine's disk is. Here: the tags, InvalidAMIName.Duplicate,
and the root disk's size and encryption.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
"""

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami


def install() -> None:
    original = EC2Backend.create_image

    def create_image(
        self: EC2Backend,
        instance_id: str,
        name: str,
        description: str,
        tag_specifications: list[dict[str, Any]],
    ) -> Ami:
        taken = [one.id for one in self.amis.values() if one.name == name]
        if taken:
            raise EC2ClientError(
                "InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken[0]}"
            )
        for_snapshot = [one for one in tag_specifications if one["ResourceType"] == "snapshot"]
        rest = [one for one in tag_specifications if one["ResourceType"] != "snapshot"]
        made = original(self, instance_id, name, description, rest)
        disk = self.get_instance(instance_id).block_device_mapping
        root = self.get_volume(next(iter(disk.values())).volume_id)
        made.ebs_snapshot.volume.size = root.size
        made.ebs_snapshot.encrypted = root.encrypted
        made.root_device_type = "ebs"
        for one in for_snapshot:
            made.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in one["Tags"]})
        return made

    def block_device_mappings(self: Ami) -> list[dict[str, Any]]:
        return [
            {
                "DeviceName": self.root_device_name,
                "Ebs": {
                    "SnapshotId": self.ebs_snapshot.id,
                    "VolumeSize": self.ebs_snapshot.volume.size,
                    "Encrypted": self.ebs_snapshot.encrypted,
                    "DeleteOnTermination": True,
                    "VolumeType": "gp3",
                },
            }
        ]

    EC2Backend.create_image = create_image
    setattr(Ami, "block_device_mappings", property(block_device_mappings))  # noqa: B010 - replaces a property
