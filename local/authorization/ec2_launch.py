"""The permissions that RunInstances needs: one question for each part of the launch.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from local.authorization import ec2
from local.authorization.ec2_condition_keys import Region, flag
from local.authorization.question import ANY, CannotJudgeError, Question, question, request_tags
from local.iam.evaluator import Values

ACTION: Final = "ec2:RunInstances"
Parameters = Mapping[str, Any]


def questions(region: Region, parameters: Parameters) -> Iterator[Question]:
    """The questions; the first refused one decides the answer."""
    everywhere: dict[str, Values] = {"ec2:Region": region.name}
    tagged = ec2.specified_tags(parameters)

    def ask(kind: str, identity: str, keys: Mapping[str, Values]) -> Question:
        return question(ACTION, region.arn(kind, identity), {**everywhere, **keys})

    def existing(kind: str, identity: str) -> Question:
        return ask(kind, identity, region.keys(kind, identity))

    def new(kind: str, keys: Mapping[str, Values]) -> Question:
        return ask(kind, ANY, {**keys, **request_tags(tagged.get(kind, {}))})

    template = parameters.get("LaunchTemplate")
    if template:
        yield existing("launch-template", template.get("LaunchTemplateId") or ANY)
        raise CannotJudgeError("this call launches from a template, whose content is not read")
    interfaces = parameters.get("NetworkInterfaces") or [
        {"SubnetId": parameters.get("SubnetId"), "Groups": parameters.get("SecurityGroupIds")}
    ]
    zone = _zone(region, parameters, interfaces)
    yield new("instance", _instance_keys(region, parameters, zone))
    yield existing("image", parameters.get("ImageId") or ANY)
    for interface in interfaces:
        yield from _interface(region, parameters, interface, zone, existing, new)
    for disk in disks(region, parameters):
        yield new("volume", volume_keys(region, disk, zone=zone))
        if snapshot_id := disk.get("named_snapshot"):
            yield existing("snapshot", snapshot_id)
    for kind, identity in _named(parameters):
        yield existing(kind, identity)
    yield from ec2.tag_questions(region, "RunInstances", tagged)
    yield from ec2.passed(region, parameters, "ec2.amazonaws.com")


def _named(parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Resources that need a permission only if the request names them."""
    if name := (parameters.get("Placement") or {}).get("GroupName"):
        yield "placement-group", name
    if name := parameters.get("KeyName"):
        yield "key-pair", name
    capacity = parameters.get("CapacityReservationSpecification") or {}
    reservation = capacity.get("CapacityReservationTarget") or {}
    if identity := reservation.get("CapacityReservationId"):
        yield "capacity-reservation", identity


def _zone(region: Region, parameters: Parameters, interfaces: Sequence[Parameters]) -> str | None:
    for interface in interfaces:
        if subnet := region.subnet(interface.get("SubnetId") or ""):
            return subnet.availability_zone
    return (parameters.get("Placement") or {}).get("AvailabilityZone")


def _instance_keys(region: Region, parameters: Parameters, zone: str | None) -> dict[str, Values]:
    """The condition keys that the request sets; EC2 sets none for metadata options by default."""
    metadata = parameters.get("MetadataOptions") or {}
    placement = parameters.get("Placement") or {}
    market = parameters.get("InstanceMarketOptions") or {}
    image = region.image(parameters.get("ImageId") or "")
    keys = {
        "AvailabilityZone": zone,
        "EbsOptimized": flag(parameters.get("EbsOptimized")),
        "InstanceMarketType": market.get("MarketType") or "on-demand",
        "InstanceMetadataTags": metadata.get("InstanceMetadataTags"),
        "InstanceProfile": region.profile_arn(parameters.get("IamInstanceProfile")),
        "InstanceType": parameters.get("InstanceType") or "m1.small",
        "MetadataHttpEndpoint": metadata.get("HttpEndpoint"),
        "MetadataHttpPutResponseHopLimit": metadata.get("HttpPutResponseHopLimit"),
        "MetadataHttpTokens": metadata.get("HttpTokens"),
        "PlacementGroup": (
            region.arn("placement-group", placement["GroupName"])
            if placement.get("GroupName")
            else None
        ),
        "RootDeviceType": image.root_device_type if image else None,
        "Tenancy": placement.get("Tenancy") or "default",
    }
    return {f"ec2:{key}": str(value) for key, value in keys.items() if value is not None}


def _interface(  # noqa: PLR0913, PLR0917 - a part of questions()
    region: Region,
    parameters: Parameters,
    interface: Parameters,
    zone: str | None,
    existing: Any,
    new: Any,
) -> Iterator[Question]:
    if identity := interface.get("NetworkInterfaceId"):
        yield existing("network-interface", identity)
        return
    subnet_id = interface.get("SubnetId")
    subnet = region.subnet(subnet_id) if subnet_id else region.default_subnet(zone)
    keys: dict[str, Values] = {}
    if subnet:
        keys = {
            "ec2:AvailabilityZone": subnet.availability_zone,
            "ec2:Subnet": region.arn("subnet", subnet.id),
            "ec2:Vpc": region.vpc_arn(subnet.vpc_id) or "",
        }
    if interface.get("AssociatePublicIpAddress") is not None:
        keys["ec2:AssociatePublicIpAddress"] = flag(interface["AssociatePublicIpAddress"])
    yield new("network-interface", keys)
    if subnet_id:
        yield existing("subnet", subnet_id)
    vpc_id = subnet.vpc_id if subnet else None
    groups = interface.get("Groups") or []
    names = parameters.get("SecurityGroups") or ([] if groups else ["default"])
    by_name = [region.group_named(name, vpc_id) for name in names]
    for identity in (*groups, *(group.id for group in by_name if group)):
        yield existing("security-group", identity)


def disks(region: Region, parameters: Parameters) -> list[dict[str, Any]]:
    """The volumes of the launch: those of the image, with the changes that the request makes."""
    image = region.image(parameters.get("ImageId") or "")
    root = image.root_device_name if image else "/dev/sda1"
    of_image = image.ebs_snapshot if image else None
    described: Mapping[str, Any] = image.block_device_mappings[0]["Ebs"] if image else {}
    devices: dict[str, dict[str, Any]] = {
        root: {
            "Encrypted": of_image.encrypted if of_image else False,
            "VolumeSize": of_image.volume.size if of_image else None,
            "SnapshotId": of_image.id if of_image else None,
            "VolumeType": described.get("VolumeType"),
        }
    }
    for mapping in parameters.get("BlockDeviceMappings") or []:
        device = mapping.get("DeviceName") or root
        if "Ebs" in mapping:
            given = {key: value for key, value in mapping["Ebs"].items() if value is not None}
            named = {"named_snapshot": given["SnapshotId"]} if "SnapshotId" in given else {}
            if named and "VolumeSize" not in given:
                given["VolumeSize"] = None
            devices[device] = {**devices.get(device, {}), **given, **named}
        elif mapping.get("NoDevice") is not None or mapping.get("VirtualName"):
            devices.pop(device, None)
    return list(devices.values())


def volume_keys(region: Region, disk: Mapping[str, Any], *, zone: str | None) -> dict[str, Values]:
    """The keys of a new volume, with the values that it will have.

    It is encrypted if the request, its snapshot or the account says so.
    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html#encryption-parameters
    """
    snapshot = region.snapshot(disk.get("SnapshotId"))
    encrypted = (
        disk.get("Encrypted")
        or (snapshot is not None and snapshot.encrypted)
        or region.ec2.ebs_encryption_by_default
    )
    keys = {
        "AvailabilityZone": zone,
        "Encrypted": flag(encrypted),
        "KmsKeyId": disk.get("KmsKeyId"),
        "ParentSnapshot": (
            region.arn("snapshot", disk["SnapshotId"]) if disk.get("SnapshotId") else None
        ),
        "VolumeIops": disk.get("Iops"),
        "VolumeSize": (
            disk.get("VolumeSize")
            or disk.get("Size")
            or (snapshot.volume.size if snapshot else None)
        ),
        "VolumeThroughput": disk.get("Throughput"),
        "VolumeType": disk.get("VolumeType") or "gp2",
    }
    return {f"ec2:{key}": str(value) for key, value in keys.items() if value is not None}
