"""The condition keys of existing EC2 resources.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-policy-keys
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from local.authorization.question import resource_tags
from local.iam.evaluator import Values

KINDS: Final = {
    "acl": "network-acl",
    "ami": "image",
    "cr": "capacity-reservation",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "fleet": "fleet",
    "h": "dedicated-host",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "lt": "launch-template",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "sir": "spot-instances-request",
    "snap": "snapshot",
    "subnet": "subnet",
    "tgw": "transit-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""The resource type by the prefix of an id."""
ID: Final = re.compile(r"([a-z]+)-[0-9a-z]+")
PUBLIC: Final = ("image", "snapshot")
"""Types whose ARN names no account."""


def kind_of(identity: str) -> str | None:
    """The type of the resource with this id; None if the text is not such an id."""
    match = ID.fullmatch(identity)
    return KINDS.get(match[1]) if match else None


class Region:
    """EC2 in one region of one account."""

    def __init__(self, account: str, region: str, partition: str) -> None:
        self.account = account
        self.name = region
        self.partition = partition
        self.ec2: Any = ec2_backends[account][region]
        self.iam: Any = iam_backends[account][partition]

    def arn(self, kind: str, identity: str) -> str:
        account = "" if kind in PUBLIC else self.account
        return f"arn:{self.partition}:ec2:{self.name}:{account}:{kind}/{identity}"

    def tags(self, identity: str) -> dict[str, str]:
        return dict(self.ec2.tags.get(identity, {}))

    def keys(self, kind: str, identity: str) -> dict[str, Values]:
        """The condition keys of the resource; empty if it does not exist."""
        resource = FIND[kind](self, identity) if kind in FIND else None
        if resource is None:
            return dict(resource_tags(self.tags(identity), "ec2"))
        filled = FILL.get(kind, _nothing)(self, resource)
        return {
            **{f"ec2:{key}": str(value) for key, value in filled.items() if value is not None},
            **resource_tags(self.tags(resource.id), "ec2"),
        }

    def image(self, identity: str) -> Any:
        return self.ec2.amis.get(identity)

    def snapshot(self, identity: str | None) -> Any:
        return self.ec2.snapshots.get(identity)

    def subnet(self, identity: str) -> Any:
        return next(
            (zone[identity] for zone in self.ec2.subnets.values() if identity in zone), None
        )

    def default_subnet(self, zone: str | None) -> Any:
        """The subnet that EC2 uses for a launch that names none."""
        subnets = [
            subnet
            for zonal in self.ec2.subnets.values()
            for subnet in zonal.values()
            if subnet.default_for_az and zone in {None, subnet.availability_zone}
        ]
        return min(subnets, key=lambda subnet: subnet.availability_zone, default=None)

    def group(self, identity: str) -> Any:
        return next((vpc[identity] for vpc in self.ec2.groups.values() if identity in vpc), None)

    def group_named(self, name: str, vpc_id: str | None) -> Any:
        groups = self.ec2.groups.get(vpc_id, {}).values()
        return next((group for group in groups if group.name == name), None)

    def vpc_arn(self, vpc_id: str | None) -> str | None:
        return self.arn("vpc", vpc_id) if vpc_id else None

    def profile(self, given: Mapping[str, str] | None) -> Any:
        """The instance profile that a request names by its name or ARN, if it exists."""
        given = given or {}
        name = given.get("Name") or given.get("Arn", "").rpartition("/")[2]
        return next(
            (item for item in self.iam.instance_profiles.values() if item.name == name), None
        )

    def profile_arn(self, given: Mapping[str, str] | None) -> str | None:
        """The ARN of the profile that a request names, whether it exists or not."""
        if not given:
            return None
        profile = self.profile(given)
        if profile is not None and given.get("Arn", profile.arn) == profile.arn:
            return profile.arn
        name = given.get("Name")
        return given.get("Arn") or (
            f"arn:{self.partition}:iam::{self.account}:instance-profile/{name}" if name else None
        )


def _instance(region: Region, instance: Any) -> dict[str, Any]:
    metadata = instance.metadata_options
    association = region.ec2.iam_instance_profile_associations.get(instance.id)
    return {
        "AvailabilityZone": instance.placement.zone,
        "EbsOptimized": flag(instance.ebs_optimized),
        "InstanceID": instance.id,
        "InstanceMarketType": instance.lifecycle or "on-demand",
        "InstanceProfile": association.iam_instance_profile.arn if association else None,
        "InstanceType": instance.instance_type,
        "MetadataHttpEndpoint": metadata.http_endpoint,
        "MetadataHttpPutResponseHopLimit": metadata.http_put_response_hop_limit,
        "MetadataHttpTokens": metadata.http_tokens,
        "PlacementGroup": (
            region.arn("placement-group", instance.placement.group_name)
            if instance.placement.group_name
            else None
        ),
        "RootDeviceType": instance.root_device_type,
        "Tenancy": instance.placement.tenancy,
    }


def _volume(region: Region, volume: Any) -> dict[str, Any]:
    return {
        "AvailabilityZone": volume.zone if isinstance(volume.zone, str) else volume.zone.name,
        "Encrypted": flag(volume.encrypted),
        "ParentSnapshot": (
            region.arn("snapshot", volume.snapshot_id) if volume.snapshot_id else None
        ),
        "VolumeID": volume.id,
        "VolumeIops": volume.iops,
        "VolumeSize": volume.size,
        "VolumeThroughput": volume.throughput,
        "VolumeType": volume.volume_type,
    }


def _interface(region: Region, interface: Any) -> dict[str, Any]:
    return {
        "AvailabilityZone": interface.subnet.availability_zone,
        "NetworkInterfaceID": interface.id,
        "Subnet": region.arn("subnet", interface.subnet.id),
        "Vpc": region.vpc_arn(interface.subnet.vpc_id),
    }


def _subnet(region: Region, subnet: Any) -> dict[str, Any]:
    return {
        "AvailabilityZone": subnet.availability_zone,
        "SubnetID": subnet.id,
        "Vpc": region.vpc_arn(subnet.vpc_id),
    }


def _group(region: Region, group: Any) -> dict[str, Any]:
    return {"SecurityGroupID": group.id, "Vpc": region.vpc_arn(group.vpc_id)}


def _image(_: Region, image: Any) -> dict[str, Any]:
    return {
        "ImageID": image.id,
        "ImageType": image.image_type,
        "Owner": image.owner_alias or image.owner_id,
        "Public": flag(image.is_public),
        "RootDeviceType": image.root_device_type,
    }


def _snapshot(region: Region, snapshot: Any) -> dict[str, Any]:
    return {
        "Encrypted": flag(snapshot.encrypted),
        "Owner": snapshot.owner_id,
        "ParentVolume": region.arn("volume", snapshot.volume.id),
        "SnapshotID": snapshot.id,
        "VolumeSize": snapshot.volume.size,
    }


def _vpc(_: Region, vpc: Any) -> dict[str, Any]:
    return {"VpcID": vpc.id, "Tenancy": vpc.instance_tenancy}


def _in_vpc(region: Region, resource: Any) -> dict[str, Any]:
    return {"Vpc": region.vpc_arn(resource.vpc_id)}


def _key_pair(_: Region, key_pair: Any) -> dict[str, Any]:
    return {"KeyPairName": key_pair.key_name, "KeyPairType": key_pair.key_type}


def _nothing(_: Region, __: Any) -> dict[str, Any]:
    return {}


def flag(value: object) -> str:
    """A condition key of the type boolean."""
    return "true" if value else "false"


def _instances(region: Region) -> Iterator[Any]:
    for reservation in region.ec2.reservations.values():
        yield from reservation.instances


FIND: Final[Mapping[str, Callable[[Region, str], Any]]] = {
    "image": Region.image,
    "instance": lambda region, identity: next(
        (instance for instance in _instances(region) if instance.id == identity), None
    ),
    "key-pair": lambda region, name: region.ec2.key_pairs.get(name),
    "network-interface": lambda region, identity: region.ec2.enis.get(identity),
    "route-table": lambda region, identity: region.ec2.route_tables.get(identity),
    "security-group": Region.group,
    "snapshot": Region.snapshot,
    "subnet": Region.subnet,
    "volume": lambda region, identity: region.ec2.volumes.get(identity),
    "vpc": lambda region, identity: region.ec2.vpcs.get(identity),
}
"""By type, how to find the resource with an id."""
FILL: Final[Mapping[str, Callable[[Region, Any], dict[str, Any]]]] = {
    "image": _image,
    "instance": _instance,
    "key-pair": _key_pair,
    "network-interface": _interface,
    "route-table": _in_vpc,
    "security-group": _group,
    "snapshot": _snapshot,
    "subnet": _subnet,
    "volume": _volume,
    "vpc": _vpc,
}
"""By type, the keys without their prefix."""
