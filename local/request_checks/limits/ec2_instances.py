"""Limits of launches, volumes and images."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.authorization.calls import Call
from local.request_checks.limits.limit import iam_of, limit, region_of

API: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"
USER_DATA: Final = 16384
TOKEN: Final = 64
HOPS: Final = range(1, 65)
IMAGE_NAME: Final = re.compile(r"[a-zA-Z0-9()\[\] ./\-'@_]{3,128}")
IMAGES: Final = ("ec2:CreateImage", "ec2:RegisterImage", "ec2:CopyImage")
LAUNCH: Final = "ec2:RunInstances"
VOLUMES: Final = (LAUNCH, "ec2:CreateVolume", "ec2:ModifyVolume")
GIB: Final = {
    "gp2": range(1, 16385),
    "gp3": range(1, 65537),
    "io1": range(4, 16385),
    "io2": range(4, 65537),
    "st1": range(125, 16385),
    "sc1": range(125, 16385),
    "standard": range(1, 1025),
}
"""The sizes of a volume in GiB, by its type."""
IOPS: Final = {"gp3": range(3000, 80001), "io1": range(100, 64001), "io2": range(100, 256001)}
IOPS_PER_GIB: Final = {"gp3": 500, "io1": 50, "io2": 1000}
THROUGHPUT: Final = range(125, 2001)
THROUGHPUT_PER_IOPS: Final = 0.25


@limit(LAUNCH, code="InvalidAMIID.NotFound", source=f"{API}RunInstances.html")
def images(call: Call) -> Iterator[str]:
    """A launch names an image that exists."""
    image = call.parameters.get("ImageId")
    if image and image not in region_of(call).amis:
        yield f"The image id '[{image}]' does not exist"


@limit(LAUNCH, code="InvalidKeyPair.NotFound", source=f"{API}RunInstances.html")
def key_pairs(call: Call) -> Iterator[str]:
    """A launch names a key pair that exists."""
    name = call.parameters.get("KeyName")
    if name and name not in region_of(call).key_pairs:
        yield f"The key pair '{name}' does not exist"


@limit(LAUNCH, code="InvalidParameterValue", source=f"{API}IamInstanceProfileSpecification.html")
def profiles(call: Call) -> Iterator[str]:
    """A launch names an instance profile that exists, by its name or its ARN."""
    named = call.parameters.get("IamInstanceProfile") or {}
    known = list(iam_of(call).instance_profiles.values())
    for part, texts in (
        ("name", {profile.name for profile in known}),
        ("arn", {profile.arn for profile in known}),
    ):
        text = named.get(part.capitalize())
        if text and text not in texts:
            yield (
                f"Value ({text}) for parameter iamInstanceProfile.{part} is invalid. Invalid IAM "
                f"Instance Profile {'ARN' if part == 'arn' else part}"
            )


@limit(
    LAUNCH,
    code="InvalidParameterValue",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html",
)
def user_data(call: Call) -> Iterator[str]:
    """A launch's user data has at most 16 KB before it is encoded."""
    if len(b64decode(call.parameters.get("UserData") or "")) > USER_DATA:
        yield "User data is limited to 16384 bytes"


@limit(LAUNCH, code="InvalidParameterValue", source=f"{API}RunInstances.html")
def client_tokens(call: Call) -> Iterator[str]:
    """A launch's client token has at most 64 ASCII characters."""
    token = call.parameters.get("ClientToken") or ""
    if len(token) > TOKEN or not token.isascii():
        yield f"Value ({token}) for parameter clientToken is invalid. Token too long or not ASCII."


@limit(LAUNCH, code="InvalidParameterValue", source=f"{API}RunInstances.html")
def launch_counts(call: Call) -> Iterator[str]:
    """A launch asks for at least one instance, and MaxCount is not below MinCount."""
    least, most = call.parameters["MinCount"], call.parameters["MaxCount"]
    if not 1 <= least <= most:
        yield f"Value ({least}) for parameter minCount is invalid. Must be from 1 to maxCount."


@limit(
    LAUNCH,
    "ec2:ModifyInstanceMetadataOptions",
    code="InvalidParameterValue",
    source=f"{API}InstanceMetadataOptionsRequest.html",
)
def hops(call: Call) -> Iterator[str]:
    """The hop limit of the metadata service is 1 to 64."""
    options = call.parameters.get("MetadataOptions") or call.parameters
    given = options.get("HttpPutResponseHopLimit")
    if given is not None and given not in HOPS:
        yield f"Value ({given}) for parameter HttpPutResponseHopLimit is invalid."


@limit(LAUNCH, code="InvalidParameterCombination", source=f"{API}RunInstances.html")
def interfaces_alone(call: Call) -> Iterator[str]:
    """A launch that describes its network interfaces names subnet and groups only there."""
    parameters = call.parameters
    if not parameters.get("NetworkInterfaces"):
        return
    if parameters.get("SubnetId"):
        yield (
            "Network interfaces and an instance-level subnet ID may not be specified on the same "
            "request"
        )
    if parameters.get("SecurityGroupIds") or parameters.get("SecurityGroups"):
        yield (
            "Network interfaces and an instance-level security groups may not be specified on the "
            "same request"
        )


@limit(*VOLUMES, code="InvalidParameterValue", source=f"{API}EbsBlockDevice.html")
def volume_values(call: Call) -> Iterator[str]:
    """A volume's size, IOPS and throughput are within the range of its type."""
    for volume in _volumes(call):
        kind, size, iops = volume["VolumeType"], volume.get("VolumeSize"), volume.get("Iops")
        throughput = volume.get("Throughput")
        if size is not None and size not in GIB[kind]:
            yield f"Volume of {size}GiB is out of range for the volume type {kind}."
        if iops is not None and kind in IOPS and iops not in IOPS[kind]:
            least, most = IOPS[kind].start, IOPS[kind].stop - 1
            low = iops < least
            yield (
                f"Volume iops of {iops} is too {'low' if low else 'high'}; "
                f"{'minimum' if low else 'maximum'} is {least if low else most}."
            )
        if throughput is not None and throughput not in THROUGHPUT:
            yield f"Throughput of {throughput} MiBps is out of range: 125 to 2000."


@limit(
    *VOLUMES,
    code="InvalidParameterCombination",
    source="https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html",
)
def volume_ratios(call: Call) -> Iterator[str]:
    """A gp3 volume has at most 500 IOPS for each GiB, and 0.25 MiB/s for each of its IOPS.

    Only gp3, io1 and io2 volumes accept IOPS, and only gp3 volumes accept throughput.
    """
    for volume in _volumes(call):
        kind, size, iops = volume["VolumeType"], volume.get("VolumeSize"), volume.get("Iops")
        throughput = volume.get("Throughput")
        if (iops is not None and kind not in IOPS) or (throughput is not None and kind != "gp3"):
            yield f"The parameter iops or throughput is not supported for {kind} volumes."
            continue
        most = IOPS_PER_GIB.get(kind, 0)
        if iops is not None and size and iops > max(size * most, IOPS[kind].start):
            yield f"Iops to volume size ratio of {iops / size:f} is too high; maximum is {most}."
        if throughput is not None and throughput > (iops or 3000) * THROUGHPUT_PER_IOPS:
            yield (
                f"Throughput (MiBps) to iops ratio of {throughput / (iops or 3000):f} is too "
                "high; maximum is 0.250000 MiBps per iops."
            )


@limit(
    LAUNCH,
    code="InvalidBlockDeviceMapping",
    source=f"{API}EbsBlockDevice.html",
)
def volumes_of_snapshots(call: Call) -> Iterator[str]:
    """A volume is at least as large as its snapshot."""
    region = region_of(call)
    image = region.amis.get(call.parameters.get("ImageId", ""))
    for mapping in call.parameters.get("BlockDeviceMappings") or []:
        disk = mapping.get("Ebs") or {}
        snapshot: Any = region.snapshots.get(disk.get("SnapshotId", ""))
        if snapshot is None and image and mapping.get("DeviceName") == image.root_device_name:
            snapshot = getattr(image, "ebs_snapshot", None)
        size = disk.get("VolumeSize")
        least = int(snapshot.volume.size or 0) if snapshot else 0
        if snapshot and size is not None and size < least:
            yield (
                f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', expect size "
                f">= {least}GB"
            )


@limit("ec2:ModifyVolume", code="InvalidParameterValue", source=f"{API}ModifyVolume.html")
def volumes_grow(call: Call) -> Iterator[str]:
    """A volume does not become smaller."""
    volume = region_of(call).volumes.get(call.parameters["VolumeId"])
    size = call.parameters.get("Size")
    if volume and size is not None and size < int(volume.size):
        yield f"New size cannot be smaller than existing size ({volume.size} GiB)"


@limit(*IMAGES, code="InvalidAMIName.Malformed", source=f"{API}CreateImage.html")
def image_names(call: Call) -> Iterator[str]:
    """An image's name has 3 to 128 characters: letters, digits, spaces and ()[]./-'@_."""
    if not IMAGE_NAME.fullmatch(call.parameters.get("Name") or ""):
        yield (
            "AMI names must be between 3 and 128 characters long, and may contain letters, "
            "numbers, '(', ')', '.', '-', '/' and '_'"
        )


@limit(*IMAGES, code="InvalidAMIName.Duplicate", source=f"{API}CreateImage.html")
def image_name_twice(call: Call) -> Iterator[str]:
    """An account has one image of a name in a region."""
    name = call.parameters.get("Name")
    for image in region_of(call).amis.values():
        if image.name == name:
            yield f"AMI name {name} is already in use by AMI {image.id}"


def _volumes(call: Call) -> Iterator[Mapping[str, Any]]:
    """The volumes that the call creates or changes, each with its type."""
    parameters = call.parameters
    if call.operation == "RunInstances":
        for mapping in parameters.get("BlockDeviceMappings") or []:
            if disk := mapping.get("Ebs"):
                yield {"VolumeType": "gp2", **disk}
        return
    volume: dict[str, Any] = {"VolumeType": "gp2"}
    if call.operation == "ModifyVolume":
        known = region_of(call).volumes.get(parameters["VolumeId"])
        if known:
            volume |= {"VolumeType": known.volume_type, "VolumeSize": int(known.size)}
    names = {"Size": "VolumeSize", "VolumeType": "VolumeType", "Iops": "Iops"}
    given = {**names, "Throughput": "Throughput"}
    yield {**volume, **{new: parameters[name] for name, new in given.items() if name in parameters}}
