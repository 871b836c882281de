"""CreateImage tags and encrypts the snapshot as EC2 does.

moto 5.2.5 refuses tags for snapshots (NotImplementedError), and always creates a snapshot of 15 GiB
that is not encrypted. With this patch the snapshot gets its tags and the root disk's size and
encryption.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
"""

from typing import Any

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
        of_snapshots = [spec for spec in tag_specifications if spec["ResourceType"] == "snapshot"]
        others = [spec for spec in tag_specifications if spec["ResourceType"] != "snapshot"]
        image = original(self, instance_id, name, description, others)
        disk = self.get_instance(instance_id).block_device_mapping
        root = self.get_volume(next(iter(disk.values())).volume_id)
        image.ebs_snapshot.volume.size = root.size
        image.ebs_snapshot.encrypted = root.encrypted
        image.root_device_type = "ebs"
        for spec in of_snapshots:
            image.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in spec["Tags"]})
        return image

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
