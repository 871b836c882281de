"""RunInstances may name the image's root device without a size.

moto 5.2.5 answers MissingParameter; AWS takes the missing values from the image.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
"""

from typing import Any

from moto.ec2.responses.instances import InstanceResponse


def install() -> None:
    moto: Any = InstanceResponse
    validate = moto._validate_block_device_mapping
    parse = moto._parse_block_device_mapping

    def size(response: Any) -> int:
        image = response.ec2_backend.amis.get(response._get_param("ImageId"))
        return int((getattr(image, "ebs_snapshot", None) and image.ebs_snapshot.volume.size) or 8)

    def parse_with_size(self: Any) -> Any:
        mappings = parse(self)
        for mapping in mappings:
            if not (mapping["Ebs"]["VolumeSize"] or mapping["Ebs"]["SnapshotId"]):
                mapping["Ebs"]["VolumeSize"] = size(self)
        return mappings

    def validate_with_size(mapping: dict[str, Any]) -> None:
        ebs = mapping.get("Ebs")
        validate({**mapping, "Ebs": {"VolumeSize": 1, **ebs}} if ebs else mapping)

    moto._parse_block_device_mapping = parse_with_size
    moto._validate_block_device_mapping = staticmethod(validate_with_size)
