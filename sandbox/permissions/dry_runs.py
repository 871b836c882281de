"""Ask EC2 itself about launches: DryRun calls with the manager's own key start nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, HTTPClientError

from infra.aws_clients import error_code
from sandbox.core.errors import SandboxError
from sandbox.permissions.simulation import RowAnswer, judge
from sandbox.permissions.table import Part, Row, launch_defaults
from sandbox_client.config import SandboxConfig

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WOULD_RUN: Final = "DryRunOperation"
REFUSED: Final = "UnauthorizedOperation"
VOLUME_GIB: Final = 500
"""Larger than any image. No volume is created."""
TAGGED_TYPES: Final = {
    "instance": "instance",
    "volume": "volume",
    "interface": "network-interface",
}
"""The resource type in a request by the part of a launch."""
RunInstances = dict[str, Any]
"""The parameters of a call of RunInstances."""


class CannotAskError(ValueError):
    """The row's launch cannot be put into a request of this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchTarget:
    """What a real launch of this stack names."""

    image_id: str
    subnet_id: str
    security_group_id: str
    instance_profile: str
    instance_type: str
    environment: str
    root_device: str = "/dev/sda1"

    @classmethod
    def of_config(cls, config: SandboxConfig) -> "LaunchTarget":
        return cls(
            image_id=config.ami_id,
            subnet_id=config.subnet_id,
            security_group_id=config.security_group_id,
            instance_profile=config.instance_profile,
            instance_type=config.default_instance_type,
            environment=config.environment,
            root_device=config.root_device_name,
        )


def dry_run(ec2: "EC2Client", rows: Iterable[Row], target: LaunchTarget) -> Iterator[RowAnswer]:
    """EC2's own answer to each launch of the table."""
    for row in rows:
        if not row.is_launch:
            continue
        try:
            parameters = request(row, target)
        except CannotAskError as error:
            yield RowAnswer(row=row, verdict="not asked", why=str(error))
            continue
        yield _answer(ec2, row, parameters)


def request(row: Row, target: LaunchTarget) -> RunInstances:
    """The call that launches as *row* describes.

    Raises:
        CannotAskError: the row needs a resource of another account or region, or a condition key
            that only EC2 sets.
    """
    if not target.image_id:
        raise CannotAskError("the stack has no image yet")
    if row.given or "region" in row.body:
        raise CannotAskError("applies to another stack or region")
    changes: Mapping[str, Part | None] = row.body["launch"]
    parameters: RunInstances = {
        "ImageId": target.image_id,
        "InstanceType": target.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": target.subnet_id,
        "SecurityGroupIds": [target.security_group_id],
        "IamInstanceProfile": {"Name": target.instance_profile},
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [
            {
                "DeviceName": target.root_device,
                "Ebs": {"Encrypted": True, "VolumeSize": VOLUME_GIB},
            }
        ],
        "DryRun": True,
    }
    for name, change in changes.items():
        _change(parameters, name, change)
    tags_by_part = {
        name: _tags(name, changes.get(name, {}), target.environment) for name in TAGGED_TYPES
    }
    parameters["TagSpecifications"] = [
        {
            "ResourceType": TAGGED_TYPES[name],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        for name, tags in tags_by_part.items()
        if tags
    ]
    return parameters


def _tags(name: str, change: Part | None, environment: str) -> Mapping[str, str]:
    tags: Mapping[str, str | None] = launch_defaults()[name].get("tags", {})
    if change and "tags" in change:
        if change["tags"] is None:
            return {}
        tags = {**tags, **change["tags"]}
    return {
        key: value.replace("${environment}", environment).replace("$environment", environment)
        for key, value in tags.items()
        if value is not None
    }


def _change(parameters: RunInstances, name: str, change: Part | None) -> None:
    if change is None:
        if name != "role":
            raise CannotAskError(f"EC2 always asks about the {name} of a launch")
        return
    if "to" in change:
        raise CannotAskError(f"names a made-up {name}")
    for key, value in change.get("with", {}).items():
        if key == "ec2:InstanceType" and value:
            parameters["InstanceType"] = value
        elif (edit := EDITS.get((key, value))) is not None:
            edit(parameters)
        else:
            raise CannotAskError(f"only EC2 sets {key}, or it needs a {name} that does not exist")


def _with_volume(**values: str | bool | int) -> Callable[[RunInstances], object]:
    return lambda parameters: parameters["BlockDeviceMappings"][0]["Ebs"].update(values)


def _with_hops(hops: int) -> Callable[[RunInstances], object]:
    return lambda parameters: parameters["MetadataOptions"].update(HttpPutResponseHopLimit=hops)


def _with_tenancy(tenancy: str) -> Callable[[RunInstances], object]:
    return lambda parameters: parameters.update(Placement={"Tenancy": tenancy})


EDITS: Final[Mapping[tuple[str, str | None], Callable[[RunInstances], object]]] = {
    ("ec2:MetadataHttpTokens", "optional"): lambda parameters: parameters.update(
        MetadataOptions={"HttpTokens": "optional"}
    ),
    ("ec2:MetadataHttpTokens", None): lambda parameters: parameters.pop("MetadataOptions"),
    ("ec2:InstanceProfile", None): lambda parameters: parameters.pop("IamInstanceProfile"),
    ("ec2:InstanceMarketType", "spot"): lambda parameters: parameters.update(
        InstanceMarketOptions={"MarketType": "spot"}
    ),
    **{("ec2:Tenancy", tenancy): _with_tenancy(tenancy) for tenancy in ("dedicated", "host")},
    **{("ec2:MetadataHttpPutResponseHopLimit", str(hops)): _with_hops(hops) for hops in (2, 3, 64)},
    ("ec2:VolumeSize", "2049"): _with_volume(VolumeSize=2049),
    ("ec2:VolumeType", "gp2"): _with_volume(VolumeType="gp2"),
    ("ec2:VolumeType", "io2"): _with_volume(VolumeType="io2", Iops=3_000),
    ("ec2:Encrypted", "false"): _with_volume(Encrypted=False),
    ("ec2:Encrypted", None): lambda parameters: parameters.pop("BlockDeviceMappings"),
}
"""The edit of a request that gives a condition key its value."""


def _answer(ec2: "EC2Client", row: Row, parameters: RunInstances) -> RowAnswer:
    try:
        ec2.run_instances(**parameters)
    except ClientError as error:
        code = error_code(error)
        if code == WOULD_RUN:
            return judge(row, ["allowed"])
        if code == REFUSED:
            return judge(row, ["denied"])
        return RowAnswer(row=row, verdict="no answer", why=f"EC2 answered {code}")
    except HTTPClientError as error:
        return RowAnswer(row=row, verdict="no answer", why=str(error))
    raise SandboxError("EC2 started an instance although the call had DryRun; terminate it")
