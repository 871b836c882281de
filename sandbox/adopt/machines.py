"""Look at the running machines: which the manager could no longer control after the update.

The module's policy let the manager stop every instance of the account. The program's lets it stop
those with the sandboxes' profile and the tags of the stack. A machine without them would run on,
and nobody but an operator could stop it.
"""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import names, tags
from infra.aws_clients import AwsClients, error_reason
from infra.permissions.manager import MAX_HOPS, MAX_IOPS
from infra.settings import Settings, checks
from sandbox.core.errors import SandboxError

STATES: Final = ("pending", "running", "stopping", "stopped")
IDENTIFYING_TAGS: Final = ("Project", "Environment")
"""By these the manager's policy tells this stack's instances from others."""
Json = Mapping[str, Any]


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
    refused_launch: tuple[str, ...]
    """What the service has to change, so that it may launch such a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineListing:
    """What AWS lists of the instances in a VPC, as it lists them."""

    instances: Sequence[Json]
    volumes: Sequence[Json]
    associations: Sequence[Json]
    """Of instances with profiles."""
    images: Sequence[Json]


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
    by_instance = {item["InstanceId"]: item for item in listed.associations}
    images = {image["ImageId"]: image for image in listed.images}
    judged = [
        _machine(
            instance,
            [volume for volume in listed.volumes if _attached(volume) == instance["InstanceId"]],
            by_instance.get(instance["InstanceId"], {}),
            images,
            settings,
        )
        for instance in listed.instances
    ]
    return tuple(sorted(judged, key=lambda machine: (machine.launched, machine.id), reverse=True))


def image_in_use(listed: MachineListing) -> str:
    """The image that every machine runs; "" if there is none, or more than one."""
    images = {instance.get("ImageId", "") for instance in listed.instances}
    return images.pop() if len(images) == 1 and listed.images else ""


def _machine(
    instance: Json,
    volumes: Sequence[Json],
    association: Json,
    images: Mapping[str, Json],
    settings: Settings,
) -> Machine:
    instance_tags = _tags(instance)
    wanted = {
        key: value
        for key, value in tags.common(settings.environment).items()
        if key in IDENTIFYING_TAGS
    }
    identifier = instance["InstanceId"]
    missing = {key: value for key, value in wanted.items() if instance_tags.get(key) != value}
    profile = association.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
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
        launched=instance["LaunchTime"].isoformat() if "LaunchTime" in instance else "",
        user=instance_tags.get(names.USER_TAG, ""),
        lacks=tuple(lacks),
        commands=tuple(commands),
        refused_launch=tuple(
            dict.fromkeys(
                (
                    *_of_instance(instance, instance_tags, profile, settings),
                    *(line for volume in volumes for line in _of_volume(volume, settings)),
                    *_of_image(instance.get("ImageId", ""), images, settings),
                )
            )
        ),
    )


def _of_instance(
    instance: Json, instance_tags: Mapping[str, str], profile: str, settings: Settings
) -> Iterator[str]:
    if profile != names.INSTANCE_PROFILE:
        yield f"name the profile {names.INSTANCE_PROFILE}, not {profile or 'none'}"
    options = instance.get("MetadataOptions", {})
    if options.get("HttpTokens") != "required":
        yield "require IMDSv2: MetadataOptions HttpTokens = required"
    if options.get("HttpPutResponseHopLimit", 1) > MAX_HOPS:
        yield f"set HttpPutResponseHopLimit to at most {MAX_HOPS}"
    yield from _missing_tags("instance", instance_tags, settings)
    kind = instance.get("InstanceType", "")
    if not any(fnmatchcase(kind, pattern) for pattern in settings.launchable_types):
        types = (*settings.allowed_instance_types, kind)
        change = f"launch an allowed type, not {kind}"
        with suppress(ValueError):
            checks.instance_type_patterns(types)
            change += (
                f", or allow it: sandbox settings set allowed_instance_types {' '.join(types)}"
            )
        yield change
    if foreign := sorted(instance_tags.keys() - _launch_tags(settings)):
        yield (
            f"leave the tags {', '.join(foreign)} out of the launch, or allow them: sandbox "
            f"settings set instance_tags {' '.join((*settings.instance_tags, *foreign))}"
        )
    if instance.get("InstanceLifecycle"):
        yield f"launch on demand, not {instance['InstanceLifecycle']}"
    if instance.get("Placement", {}).get("Tenancy", "default") != "default":
        yield "launch on shared hardware: Tenancy = default"


def _of_volume(volume: Json, settings: Settings) -> Iterator[str]:
    if not volume.get("Encrypted"):
        yield "encrypt every volume: BlockDeviceMappings Ebs Encrypted = true"
    yield from _missing_tags("volume", _tags(volume), settings)
    if volume.get("VolumeType") not in settings.volume_types:
        yield f"use volumes of type {' or '.join(settings.volume_types)}"
    if volume.get("Size", 0) > settings.max_volume_gib:
        yield f"use volumes of at most {settings.max_volume_gib} GiB"
    if (volume.get("Iops") or 0) > MAX_IOPS:
        yield f"provision at most {MAX_IOPS} IOPS"


def _of_image(image_id: str, images: Mapping[str, Json], settings: Settings) -> Iterator[str]:
    if image_id == settings.sandbox_ami_id:
        return
    image_tags = _tags(images.get(image_id, {}))
    wanted = {**tags.common(settings.environment), "Purpose": names.IMAGE_PURPOSE}
    if any(image_tags.get(key) != value for key, value in wanted.items()):
        yield (
            f"allow the image {image_id}: sandbox settings set sandbox_ami_id {image_id}, or build "
            "one with sandbox image build"
        )


def _missing_tags(kind: str, resource_tags: Mapping[str, str], settings: Settings) -> Iterator[str]:
    wanted = tags.common(settings.environment)
    for key in IDENTIFYING_TAGS:
        if resource_tags.get(key) != wanted[key]:
            yield f"tag the {kind} at launch with {key} = {wanted[key]}"
    if not resource_tags.get(names.USER_TAG):
        yield f"tag the {kind} at launch with {names.USER_TAG}"


def _launch_tags(settings: Settings) -> set[str]:
    return {*tags.common(settings.environment), names.USER_TAG, *settings.instance_tags}


def _tags(resource: Json) -> Mapping[str, str]:
    """Its tags, without those of AWS."""
    return {
        tag["Key"]: tag["Value"]
        for tag in resource.get("Tags", [])
        if not tag["Key"].startswith("aws:")
    }


def _attached(volume: Json) -> str:
    return next((item["InstanceId"] for item in volume.get("Attachments", [])), "")
