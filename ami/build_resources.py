"""The resources that a build creates: how to find and how to remove each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from ami.aws_calls import tags_of
from infra import names
from infra.aws_clients import as_filters, error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mypy_boto3_ec2.type_defs import TagTypeDef

    from infra.aws_clients import AwsClients

Kind: TypeAlias = Literal["image", "instance", "volume", "snapshot", "security-group", "key-pair"]
TERMINATED_STATES: Final = {"terminated", "shutting-down"}
BUILD_TAG: Final = "BuildId"
STARTED_TAG: Final = "StartedAt"
PURPOSE_TAG: Final = "Purpose"

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
    """One resource that a build created."""

    kind: Kind
    id: str
    """The name of a key pair, or the id of any other resource."""
    build_id: str = ""
    build_started_at: str = ""
    """The start of its build in ISO 8601, from its tag."""
    state: str = ""
    finished: bool = False
    """Whether it belongs to a finished image, which only `prune` removes."""

    @property
    def terminating(self) -> bool:
        """Whether its removal has started, so that the sweep only has to wait."""
        return self.kind == "instance" and self.state == "shutting-down"

    def command(self, region: str) -> str:
        """The AWS CLI command that removes it."""
        return COMMANDS[self.kind].format(id=self.id) + f" --region {region}"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Search:
    """Finds the resources of one build; without a *build_id*, of all builds of the project."""

    build_id: str = ""

    @property
    def by_tag(self) -> Mapping[str, str]:
        """EC2's filters on the tags of a build."""
        if self.build_id:
            return {f"tag:{BUILD_TAG}": self.build_id}
        return {"tag:Project": names.PROJECT, f"tag:{PURPOSE_TAG}": names.BUILD_PURPOSE}

    def by_name(self, filter_name: str, name: str) -> Mapping[str, str]:
        """EC2's filter on the *name* of one build; EC2 finds a name before it finds a tag."""
        return {filter_name: name} if self.build_id else self.by_tag

    @property
    def temporary_name(self) -> str:
        return temporary_name(self.build_id)


def temporary_name(build_id: str) -> str:
    """The name of a build's key pair and security group."""
    return f"{names.BUILD_PURPOSE}-{build_id}"


def images(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    filters = search.by_name("name", f"sandbox-*-{search.build_id}")
    for image in own_images(aws, filters):
        yield _resource("image", image["ImageId"], image.get("Tags"), image.get("State", ""))
        for snapshot in snapshot_ids(image):
            yield _resource("snapshot", snapshot, image.get("Tags"))


def instances(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    for instance in all_instances(aws, search.by_tag):
        state = instance.get("State", {}).get("Name", "")
        if state != "terminated":
            yield _resource("instance", instance["InstanceId"], instance.get("Tags"), state)


def volumes(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    for volume in aws.describe("describe_volumes", "Volumes", search.by_tag):
        if volume.get("State") == "available":  # a volume in use is deleted with its instance
            yield _resource("volume", volume["VolumeId"], volume.get("Tags"))


def snapshots(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    # without an owner, EC2 searches the public snapshots of all accounts too
    descriptions = aws.list_all(
        *("ec2", "describe_snapshots", "Snapshots"),
        OwnerIds=["self"],
        Filters=as_filters(search.by_tag),
    )
    for snapshot in descriptions:
        yield _resource("snapshot", snapshot["SnapshotId"], snapshot.get("Tags"))


def security_groups(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    filters = search.by_name("group-name", search.temporary_name)
    for group in aws.describe("describe_security_groups", "SecurityGroups", filters):
        yield _resource("security-group", group["GroupId"], group.get("Tags"))


def key_pairs(aws: AwsClients, search: Search) -> Iterable[BuildResource]:
    filters = search.by_name("key-name", search.temporary_name)
    for key_pair in aws.describe("describe_key_pairs", "KeyPairs", filters):
        yield _resource("key-pair", key_pair["KeyName"], key_pair.get("Tags"))


FINDERS: Final[Mapping[Kind, Callable[[AwsClients, Search], Iterable[BuildResource]]]] = {
    # in the order of removal: a resource comes before the one that it uses
    "image": images,
    "instance": instances,
    "volume": volumes,
    "snapshot": snapshots,
    "security-group": security_groups,
    "key-pair": key_pairs,
}


def remove(aws: AwsClients, resource: BuildResource) -> None:
    """Ask AWS to remove *resource*; a resource that no longer exists raises no error.

    Raises:
        ClientError, BotoCoreError: AWS refused, or could not be asked.
    """
    ec2 = aws.ec2
    try:
        match resource.kind:
            case "image":
                ec2.deregister_image(ImageId=resource.id)
            case "instance":
                ec2.terminate_instances(InstanceIds=[resource.id])
            case "volume":
                ec2.delete_volume(VolumeId=resource.id)
            case "snapshot":
                ec2.delete_snapshot(SnapshotId=resource.id)
            case "security-group":
                ec2.delete_security_group(GroupId=resource.id)
            case "key-pair":
                ec2.delete_key_pair(KeyName=resource.id)
    except ec2.exceptions.ClientError as error:
        code = error_code(error)
        if ".NotFound" not in code and code != "InvalidAMIID.Unavailable":
            raise


def own_images(
    aws: AwsClients, filters: Mapping[str, str | Collection[str]]
) -> list[dict[str, Any]]:
    """The images of the account, as DescribeImages returns them."""
    return aws.list_all(
        "ec2", "describe_images", "Images", Owners=["self"], Filters=as_filters(filters)
    )


def all_instances(
    aws: AwsClients, filters: Mapping[str, str | Collection[str]]
) -> list[dict[str, Any]]:
    """The instances of all reservations, as DescribeInstances returns them."""
    reservations = aws.describe("describe_instances", "Reservations", filters)
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def snapshot_ids(image: Mapping[str, Any]) -> list[str]:
    """The ids of the snapshots of an image."""
    return [
        snapshot
        for mapping in image.get("BlockDeviceMappings", [])
        if (snapshot := mapping.get("Ebs", {}).get("SnapshotId"))
    ]


def _resource(
    kind: Kind, identity: str, tags: list[TagTypeDef] | None, state: str = ""
) -> BuildResource:
    by_key = tags_of(tags)
    return BuildResource(
        kind=kind,
        id=identity,
        build_id=by_key.get(BUILD_TAG, ""),
        build_started_at=by_key.get(STARTED_TAG, ""),
        state=state,
        finished=by_key.get(PURPOSE_TAG) == names.IMAGE_PURPOSE,
    )
