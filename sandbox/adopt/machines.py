"""Look at the running machines: which the manager could no longer control after the update.

The module's policy let the manager stop every instance of the account. The program's lets it stop
those with the sandboxes' profile and the tags of the stack. A machine without them would run on,
and nobody but an operator could stop it.
"""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import names, tags
from infra.aws_clients import AwsClients, error_reason
from infra.settings import Settings
from sandbox.core.errors import SandboxError

STATES: Final = ("pending", "running", "stopping", "stopped")
IDENTIFYING_TAGS: Final = ("Project", "Environment")
"""By these the manager's policy tells this stack's instances from others."""
Json = Mapping[str, Any]
NOTHING: Final[Json] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An instance in the VPC, as its launch made it."""

    id: str
    type: str
    state: str
    image: str
    launched: str
    """As RFC 3339, so that the order of the texts is that of the times."""
    user: str
    lacks: tuple[str, ...]
    """Why the new policy would not let the manager control it; empty if it would."""
    commands: tuple[str, ...]
    """What an operator runs so that it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineListing:
    """What AWS lists of the instances in a VPC, as it lists them."""

    instances: Sequence[Json]
    volumes: Sequence[Json]
    associations: Sequence[Json]
    """Of instances with profiles."""
    images: Sequence[Json]

    def volumes_of(self, instance: Json) -> Sequence[Json]:
        """The volumes that are attached to *instance*."""
        return [volume for volume in self.volumes if _attached(volume) == instance["InstanceId"]]

    def association_of(self, instance: Json) -> Json:
        """The association of *instance* with a profile; empty if it has none."""
        return next(
            (item for item in self.associations if item["InstanceId"] == instance["InstanceId"]),
            NOTHING,
        )


def listing(aws: AwsClients, vpc_id: str) -> MachineListing:
    """What AWS lists of the instances of the VPC.

    Raises:
        SandboxError: AWS does not list them.
    """

    def described(operation: str, items: str, key: str, values: Collection[str]) -> Sequence[Json]:
        """Those that the filter *key* selects by *values*; without values none, not all."""
        return aws.describe(operation, items, {key: values}) if values else ()

    filters = {"vpc-id": [vpc_id], "instance-state-name": STATES}
    try:
        instances = aws.describe("describe_instances", "Reservations[].Instances[]", filters)
        ids = [instance["InstanceId"] for instance in instances]
        images = {instance["ImageId"] for instance in instances if "ImageId" in instance}
        return MachineListing(
            instances=instances,
            volumes=described("describe_volumes", "Volumes", "attachment.instance-id", ids),
            associations=described(
                "describe_iam_instance_profile_associations",
                "IamInstanceProfileAssociations",
                "instance-id",
                ids,
            ),
            images=described("describe_images", "Images", "image-id", images),
        )
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{aws.region}: AWS does not list the machines of {vpc_id}: {error_reason(error)}; "
            "allow ec2:DescribeInstances, ec2:DescribeVolumes, ec2:DescribeImages and "
            "ec2:DescribeIamInstanceProfileAssociations"
        ) from None


def machines(listed: MachineListing, settings: Settings) -> tuple[Machine, ...]:
    """The instances, the newest first."""
    return tuple(
        _machine(instance, listed.volumes_of(instance), listed.association_of(instance), settings)
        for instance in sorted(listed.instances, key=age, reverse=True)
    )


def age(instance: Json) -> tuple[str, str]:
    """Sorts instances, the oldest first."""
    return _launched(instance), instance["InstanceId"]


def image_in_use(listed: MachineListing) -> str:
    """The image that every machine runs; "" if there is none, or more than one."""
    images = {instance.get("ImageId", "") for instance in listed.instances}
    return images.pop() if len(images) == 1 and listed.images else ""


def _machine(
    instance: Json, volumes: Sequence[Json], association: Json, settings: Settings
) -> Machine:
    instance_tags = tags_of(instance)
    identifier = instance["InstanceId"]
    missing = missing_tags(instance, settings)
    profile = profile_arn(association).rpartition("/")[2]
    lacks = [f"its tag {key} is {instance_tags.get(key) or 'not set'}" for key in missing]
    commands: list[str] = []
    region = f"aws ec2 {{}} --region {settings.region}"
    if missing:
        listed = shlex.join(f"Key={key},Value={value}" for key, value in missing.items())
        resources = " ".join([identifier, *(volume["VolumeId"] for volume in volumes)])
        commands.append(f"{region.format('create-tags')} --resources {resources} --tags {listed}")
    if profile != names.INSTANCE_PROFILE:
        lacks.append(f"its profile is {profile or 'not set'}")
        target = f"--iam-instance-profile Name={names.INSTANCE_PROFILE}"
        if profile:
            replace = region.format("replace-iam-instance-profile-association")
            commands.append(f"{replace} --association-id {association['AssociationId']} {target}")
        else:
            associate = region.format("associate-iam-instance-profile")
            commands.append(f"{associate} --instance-id {identifier} {target}")
    return Machine(
        id=identifier,
        type=instance.get("InstanceType", ""),
        state=instance.get("State", {}).get("Name", ""),
        image=instance.get("ImageId", ""),
        launched=_launched(instance),
        user=instance_tags.get(names.USER_TAG, ""),
        lacks=tuple(lacks),
        commands=tuple(commands),
    )


def _launched(instance: Json) -> str:
    return instance["LaunchTime"].isoformat() if "LaunchTime" in instance else ""


def profile_arn(association: Json) -> str:
    """The ARN of the profile that *association* names; "" if there is none."""
    return association.get("IamInstanceProfile", {}).get("Arn", "")


def tags_of(resource: Json) -> Mapping[str, str]:
    """Its tags, without those of AWS."""
    return {
        tag["Key"]: tag["Value"]
        for tag in resource.get("Tags", [])
        if not tag["Key"].startswith("aws:")
    }


def missing_tags(resource: Json, settings: Settings) -> Mapping[str, str]:
    """The identifying tags that *resource* does not have, with the values of the stack."""
    given, wanted = tags_of(resource), tags.common(settings.environment)
    return {key: wanted[key] for key in IDENTIFYING_TAGS if given.get(key) != wanted[key]}


def _attached(volume: Json) -> str:
    return next((item["InstanceId"] for item in volume.get("Attachments", [])), "")
