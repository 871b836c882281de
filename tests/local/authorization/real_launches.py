"""Turn a launch of the permissions' table into a RunInstances request, and create what it names."""

from collections.abc import Mapping
from typing import Any

from infra import names
from sandbox.permissions import dry_runs
from sandbox.permissions.dry_runs import CannotAskError, LaunchTarget
from sandbox.permissions.table import Row, fill, launch_defaults, rows
from tests.local.authorization.stack_account import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    StackAccount,
    pairs,
)


def default_request(account: StackAccount) -> dict[str, Any]:
    """The default launch of the table."""
    image = launch_defaults()["image"]["with"]
    tags = {
        key.removeprefix("aws:ResourceTag/"): fill(value, account.placeholders)
        for key, value in image.items()
        if key.startswith("aws:ResourceTag/")
    }
    place = _place(account, account.image(tags, ACCOUNT))
    [row] = [row for row in rows() if row.what == "the default launch"]
    return dry_runs.request(row, place)


def _place(account: StackAccount, image_id: str) -> LaunchTarget:
    return LaunchTarget(
        image_id=image_id,
        subnet_id=account.subnet,
        security_group_id=account.group,
        instance_profile=names.INSTANCE_PROFILE,
        instance_type="g5.12xlarge",
        environment=account.policy_context.environment,
    )


def request_of(row: Row, account: StackAccount) -> dict[str, Any]:
    """The launch request of the row.

    Raises:
        CannotAskError: no request can express it.
    """
    request = default_request(account)
    changes: Mapping[str, Any] = fill(row.body["launch"], account.placeholders)
    _tag(request, changes, account)
    if (
        "interface" not in changes
        and {"subnet", "group"} <= changes.keys()
        and not (changes["subnet"] or changes["group"])
    ):
        changes = {
            **changes,
            "interface": {"to": account.policy_context.ec2("network-interface/x")},
        }
    for part, change in changes.items():
        if part not in CHANGES:
            raise CannotAskError(f"the {part} of a launch is not put into requests here")
        CHANGES[part](request, change, account)
    return request


def _tag(request: dict[str, Any], changes: Mapping[str, Any], account: StackAccount) -> None:
    request["TagSpecifications"] = []
    for part, kind in dry_runs.TAGGED_TYPES.items():
        change = changes.get(part) or {}
        tags = {
            key: fill(value, account.placeholders)
            for key, value in (launch_defaults()[part].get("tags") or {}).items()
        }
        if "tags" in change:
            tags = {} if change["tags"] is None else {**tags, **change["tags"]}
        pairs_of_launch = [
            {"Key": key, "Value": value} for key, value in tags.items() if value is not None
        ]
        if pairs_of_launch:
            request["TagSpecifications"].append({"ResourceType": kind, "Tags": pairs_of_launch})


def _instance(  # noqa: C901 - one case for each key
    request: dict[str, Any], change: Any, account: StackAccount
) -> None:
    if "to" in change:
        raise CannotAskError("EC2 sets the account and region of a launch")
    for key, value in change.get("with", {}).items():
        match key:
            case "ec2:InstanceType" if value:
                request["InstanceType"] = value
            case "ec2:InstanceProfile" if value is None:
                del request["IamInstanceProfile"]
            case "ec2:InstanceProfile":
                request["IamInstanceProfile"] = {"Arn": value}
                if f":{ACCOUNT}:" in value:
                    account.profile(value.rpartition("/")[2])
            case "ec2:MetadataHttpTokens" if value is None:
                del request["MetadataOptions"]
            case "ec2:MetadataHttpTokens":
                request["MetadataOptions"] = {"HttpTokens": value}
            case "ec2:MetadataHttpPutResponseHopLimit" if value:
                request["MetadataOptions"]["HttpPutResponseHopLimit"] = int(value)
            case "ec2:InstanceMarketType" if value:
                request["InstanceMarketOptions"] = {"MarketType": value}
            case "ec2:Tenancy" if value:
                request["Placement"] = {"Tenancy": value}
            case _:
                raise CannotAskError(f"EC2 sets {key}")


def _volume(request: dict[str, Any], change: Any, _: StackAccount) -> None:
    if "to" in change:
        raise CannotAskError("EC2 sets the account and region of a volume")
    for key, value in change.get("with", {}).items():
        disk = request["BlockDeviceMappings"][0]["Ebs"]
        match key:
            case "ec2:Encrypted":
                disk["Encrypted"] = value == "true"
            case "ec2:VolumeSize" if value:
                disk["VolumeSize"] = int(value)
            case "ec2:VolumeIops" if value:
                disk["Iops"] = int(value)
            case "ec2:VolumeThroughput" if value:
                disk["Throughput"] = int(value)
            case "ec2:VolumeType" if value:
                disk["VolumeType"] = value
            case _:
                raise CannotAskError(f"EC2 sets {key}")


def _image(request: dict[str, Any], change: Any, account: StackAccount) -> None:
    identity = ""
    if "to" in change:
        identity = change["to"].rpartition("/")[2]
        if f":{REGION}:" not in change["to"]:
            raise CannotAskError("a request names images of its own region")
    context = {
        **fill(launch_defaults()["image"]["with"], account.placeholders),
        **change.get("with", {}),
    }
    if context["ec2:Owner"] is None:
        request["ImageId"] = "ami-0ffffffffffffffff"
        return
    tags = {
        key.removeprefix("aws:ResourceTag/"): value
        for key, value in context.items()
        if key.startswith("aws:ResourceTag/") and value is not None
    }
    request["ImageId"] = account.image(tags, context["ec2:Owner"], identity)


def _other_vpc(account: StackAccount) -> tuple[str, str]:
    """A subnet and a security group of another VPC."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.200.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.200.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)
    return subnet, group["GroupId"]


def _named_otherwise(kind: str, change: Any, account: StackAccount) -> str | None:
    """A subnet or group of the sandbox VPC with the row's tags, if only the tags differ."""
    keys = change.get("with", {})
    if not keys or any(not key.startswith("aws:ResourceTag/") for key in keys):
        return None
    ec2, vpc_id = account.client("ec2"), account.policy_context.vpc_id
    if kind == "subnet":
        block = f"10.100.{account.number() % 250 + 1}.0/24"
        identity = ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]
    else:
        name = f"group {account.number()}"
        group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)
        identity = group["GroupId"]
    tags = {key.removeprefix("aws:ResourceTag/"): value for key, value in keys.items() if value}
    if tags:
        ec2.create_tags(Resources=[identity], Tags=pairs(tags))
    return identity


def _require_other_vpc(change: Any, account: StackAccount) -> None:
    if change.get("with", {}).get("ec2:Vpc") != account.placeholders["other_vpc"]:
        raise CannotAskError("EC2 sets the VPC of a subnet or group")


def _subnet(request: dict[str, Any], change: Any, account: StackAccount) -> None:
    if change is None:
        request.pop("SubnetId", None)
    elif "to" in change:
        raise CannotAskError("a request names subnets of its own account and region")
    elif identity := _named_otherwise("subnet", change, account):
        request["SubnetId"] = identity
    else:
        _require_other_vpc(change, account)
        request["SubnetId"], _ = _other_vpc(account)


def _group(request: dict[str, Any], change: Any, account: StackAccount) -> None:
    if change is None:
        request.pop("SecurityGroupIds", None)
    elif "to" in change:
        raise CannotAskError("a request names groups of its own account and region")
    elif identity := _named_otherwise("group", change, account):
        request["SecurityGroupIds"] = [identity]
    else:
        _require_other_vpc(change, account)
        _, group = _other_vpc(account)
        request["SecurityGroupIds"] = [group]


def _interface(request: dict[str, Any], change: Any, account: StackAccount) -> None:
    vpc = change.get("with", {}).get("ec2:Vpc", account.policy_context.vpc_arn)
    if vpc is None or OTHER_ACCOUNT in str(vpc) or f":{REGION}:" not in str(vpc):
        raise CannotAskError("EC2 sets the VPC of an interface")
    if "to" in change and (OTHER_ACCOUNT in change["to"] or f":{REGION}:" not in change["to"]):
        raise CannotAskError("a request names interfaces of its own account and region")
    if "to" not in change and vpc == account.policy_context.vpc_arn:
        return
    if "SubnetId" in request and "to" not in change:
        subnet, group = _other_vpc(account)
        request.update(SubnetId=subnet, SecurityGroupIds=[group])
        return
    subnet = account.subnet if vpc == account.policy_context.vpc_arn else _other_vpc(account)[0]
    interface = account.client("ec2").create_network_interface(SubnetId=subnet)
    identity = interface["NetworkInterface"]["NetworkInterfaceId"]
    request["NetworkInterfaces"] = [{"DeviceIndex": 0, "NetworkInterfaceId": identity}]


def _snapshot(request: dict[str, Any], change: Any, account: StackAccount) -> None:
    ec2 = account.client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    tags = [
        {"Key": key.removeprefix("aws:ResourceTag/"), "Value": value}
        for key, value in change.get("with", {}).items()
        if key.startswith("aws:ResourceTag/")
    ]
    named: Any = {"TagSpecifications": [{"ResourceType": "snapshot", "Tags": tags}]} if tags else {}
    snapshot = ec2.create_snapshot(VolumeId=volume, **named)["SnapshotId"]
    request["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] = snapshot


def _named(*path: str) -> Any:
    def name(request: dict[str, Any], change: Any, _: StackAccount) -> None:
        if OTHER_ACCOUNT in change["to"] or f":{REGION}:{ACCOUNT}:" not in change["to"]:
            raise CannotAskError("a request names resources of its own account and region")
        *outer, last = path
        for part in outer:
            request = request.setdefault(part, {})
        request[last] = change["to"].rpartition("/")[2]

    return name


def _role(_: dict[str, Any], change: Any, __: StackAccount) -> None:
    """Check that the role is the one of the profile."""
    assert change is None


CHANGES = {
    "role": _role,
    "instance": _instance,
    "volume": _volume,
    "image": _image,
    "subnet": _subnet,
    "group": _group,
    "interface": _interface,
    "snapshot": _snapshot,
    "key pair": _named("KeyName"),
    "template": _named("LaunchTemplate", "LaunchTemplateId"),
    "placement": _named("Placement", "GroupName"),
    "reservation": _named(
        "CapacityReservationSpecification", "CapacityReservationTarget", "CapacityReservationId"
    ),
}
