"""RunInstances may name the image's root device without a size, for moto 5.2.5.

moto answers MissingParameter; AWS takes what the mapping leaves out from the image.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
"""

from typing import Any

from moto.ec2.responses.instances import InstanceResponse


def install() -> None:
    moto: Any = InstanceResponse
    judge = moto._validate_block_device_mapping
    parse = moto._parse_block_device_mapping

    def size(response: Any) -> int:
        image = response.ec2_backend.amis.get(response._get_param("ImageId"))
        return int((getattr(image, "ebs_snapshot", None) and image.ebs_snapshot.volume.size) or 8)

    def parsed(self: Any) -> Any:
        mappings = parse(self)
        for one in mappings:
            if not (one["Ebs"]["VolumeSize"] or one["Ebs"]["SnapshotId"]):
                one["Ebs"]["VolumeSize"] = size(self)
        return mappings

    def judged(mapping: dict[str, Any]) -> None:
        ebs = mapping.get("Ebs")
        judge({**mapping, "Ebs": {"VolumeSize": 1, **ebs}} if ebs else mapping)

    moto._parse_block_device_mapping = parsed
    moto._validate_block_device_mapping = staticmethod(judged)
