"""What a build makes in an account: how it is found again, and how it is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ami.aws import Aws, code, where
from infra import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_ec2.type_defs import FilterTypeDef, TagTypeDef

Kind: TypeAlias = Literal["image", "instance", "volume", "snapshot", "security-group", "key-pair"]
GONE: Final = {"terminated", "shutting-down"}

COMMANDS: Final[Mapping[Kind, str]] = {
    "image": "aws ec2 deregister-image --image-id {id}",
    "instance": "aws ec2 terminate-instances --instance-ids {id}",
    "volume": "aws ec2 delete-volume --volume-id {id}",
    "snapshot": "aws ec2 delete-snapshot --snapshot-id {id}",
    "security-group": "aws ec2 delete-security-group --group-id {id}",
    "key-pair": "aws ec2 delete-key-pair --key-name {id}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResource:
    kind: Kind
    id: str
    build_id: str = ""
    since: str = ""
    """When its build started, as its tag says."""
    state: str = ""
    finished: bool = False
    """Part of a whole image: only `prune` removes it."""

    @property
    def going(self) -> bool:
        """Nothing more can be done about it, it only has to be waited for."""
        return self.kind == "instance" and self.state == "shutting-down"

    def command(self, region: str) -> str:
        """What removes it by hand."""
        return COMMANDS[self.kind].format(id=self.id) + f" --region {region}"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Search:
    """One build's things, or those of all builds of the project."""

    build_id: str = ""

    @property
    def tags(self) -> list[FilterTypeDef]:
        if self.build_id:
            return where(tag__BuildId=self.build_id)
        return where(tag__Project=names.PROJECT, tag__Purpose=names.BUILD_PURPOSE)

    def named(self, filter_name: str, name: str) -> list[FilterTypeDef]:
        """A build's things that have names go by them: a name is there before any tag is seen."""
        return where(**{filter_name: name}) if self.build_id else self.tags

    @property
    def temporary_name(self) -> str:
        return f"{names.BUILD_PURPOSE}-{self.build_id}"


def images(aws: Aws, search: Search) -> Iterable[BuildResource]:
    filters = search.named("name", f"sandbox-*-{search.build_id}")
    for page in aws.ec2.get_paginator("describe_images").paginate(Owners=["self"], Filters=filters):
        for one in page["Images"]:
            yield _thing("image", one.get("ImageId", ""), one.get("Tags"), one.get("State", ""))
            for mapping in one.get("BlockDeviceMappings", []):
                if snapshot := mapping.get("Ebs", {}).get("SnapshotId"):
                    yield _thing("snapshot", snapshot, one.get("Tags"))


def instances(aws: Aws, search: Search) -> Iterable[BuildResource]:
    for page in aws.ec2.get_paginator("describe_instances").paginate(Filters=search.tags):
        for reservation in page["Reservations"]:
            for one in reservation.get("Instances", []):
                state = one.get("State", {}).get("Name", "")
                if state != "terminated":
                    yield _thing("instance", one.get("InstanceId", ""), one.get("Tags"), state)


def volumes(aws: Aws, search: Search) -> Iterable[BuildResource]:
    for page in aws.ec2.get_paginator("describe_volumes").paginate(Filters=search.tags):
        for one in page["Volumes"]:
            if one.get("State") == "available":  # one in use goes with its instance
                yield _thing("volume", one.get("VolumeId", ""), one.get("Tags"))


def snapshots(aws: Aws, search: Search) -> Iterable[BuildResource]:
    pages = aws.ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=search.tags
    )
    for page in pages:
        for one in page["Snapshots"]:
            yield _thing("snapshot", one.get("SnapshotId", ""), one.get("Tags"))


def security_groups(aws: Aws, search: Search) -> Iterable[BuildResource]:
    filters = search.named("group_name", search.temporary_name)
    for page in aws.ec2.get_paginator("describe_security_groups").paginate(Filters=filters):
        for one in page["SecurityGroups"]:
            yield _thing("security-group", one.get("GroupId", ""), one.get("Tags"))


def key_pairs(aws: Aws, search: Search) -> Iterable[BuildResource]:
    filters = search.named("key_name", search.temporary_name)
    for one in aws.ec2.describe_key_pairs(Filters=filters)["KeyPairs"]:
        yield _thing("key-pair", one.get("KeyName", ""), one.get("Tags"))


FINDERS: Final[Mapping[Kind, Callable[[Aws, Search], Iterable[BuildResource]]]] = {
    # in the order of removal: what holds something before what is held
    "image": images,
    "instance": instances,
    "volume": volumes,
    "snapshot": snapshots,
    "security-group": security_groups,
    "key-pair": key_pairs,
}


def remove(aws: Aws, thing: BuildResource) -> None:
    """Ask AWS to remove it; that it is gone already is what was wanted."""
    ec2 = aws.ec2
    try:
        match thing.kind:
            case "image":
                ec2.deregister_image(ImageId=thing.id)
            case "instance":
                ec2.terminate_instances(InstanceIds=[thing.id])
            case "volume":
                ec2.delete_volume(VolumeId=thing.id)
            case "snapshot":
                ec2.delete_snapshot(SnapshotId=thing.id)
            case "security-group":
                ec2.delete_security_group(GroupId=thing.id)
            case "key-pair":
                ec2.delete_key_pair(KeyName=thing.id)
    except ec2.exceptions.ClientError as error:
        if ".NotFound" not in code(error) and code(error) != "InvalidAMIID.Unavailable":
            raise


def _thing(
    kind: Kind, identity: str, tags: list[TagTypeDef] | None, state: str = ""
) -> BuildResource:
    said = {one.get("Key", ""): one.get("Value", "") for one in tags or []}
    return BuildResource(
        kind=kind,
        id=identity,
        build_id=said.get("BuildId", ""),
        since=said.get("StartedAt", ""),
        state=state,
        finished=said.get("Purpose") == names.IMAGE_PURPOSE,
    )
