"""The existing images: list, prune and finish them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ami import build_resources, steps, sweep
from ami.aws_calls import AWS_ERRORS, tags_of
from ami.build_resources import BUILD_TAG, PURPOSE_TAG, BuildResource
from ami.errors import LeftoverError, PlanError
from infra import names
from infra.aws_clients import error_code, error_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ami.limits import Limits
    from ami.target import BuildTarget, StackImage
    from infra.aws_clients import AwsClients

LIVE_STATES: Final = ("pending", "running", "stopping", "stopped", "shutting-down")
CONFIGURED: Final = "configured"
RUNNING: Final = "running"
VERSION_TAG: Final = "version/"
"""The prefix of the version names in an image's tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineImage:
    """A finished image of the project."""

    id: str
    name: str
    created: datetime
    """In UTC."""
    state: str
    size_gib: int
    snapshots: tuple[str, ...]
    versions: Mapping[str, str]
    build_id: str
    in_use: tuple[str, ...] = ()
    """The reasons why it must stay: `configured` in a stack, `running` on an instance."""


def of_environment(
    aws: AwsClients, environment: str, configured: Collection[str]
) -> list[MachineImage]:
    """The finished images of *environment*, newest first.

    *configured* holds the ids of images that a stack names.
    """
    filters = {
        "tag:Project": names.PROJECT,
        f"tag:{PURPOSE_TAG}": names.IMAGE_PURPOSE,
        "tag:Environment": environment,
    }
    descriptions = build_resources.own_images(aws, filters)
    running = _running(aws, [description["ImageId"] for description in descriptions])
    images = [_machine_image(description, configured, running) for description in descriptions]
    return sorted(images, key=lambda image: (image.created, image.id), reverse=True)


def to_prune(images: list[MachineImage], keep: int) -> list[MachineImage]:
    """The images older than the newest *keep*, without images in use."""
    return [image for image in images[keep:] if not image.in_use]


def remove(aws: AwsClients, images: Iterable[MachineImage], say: Callable[[str], None]) -> None:
    """Deregister *images* and delete their snapshots; a refusal does not stop the others.

    Raises:
        LeftoverError: the message has the reason and the removal command for each remaining
        resource.
    """
    left: list[str] = []
    for image in images:
        parts = [BuildResource(kind="image", id=image.id)]
        parts += [BuildResource(kind="snapshot", id=snapshot) for snapshot in image.snapshots]
        for part in parts:
            try:
                build_resources.remove(aws, part)
            except AWS_ERRORS as error:
                left += [
                    f"{command} ({error_reason(error)})"
                    for command in sweep.removal_commands([part], aws.region)
                ]
            else:
                say(f"removed {part}")
    if left:
        raise LeftoverError("\n".join(["not removed:", *left]))


def resume(  # noqa: PLR0913 - the account, the stack, the image, the limits and the output
    aws: AwsClients,
    target: BuildTarget,
    stack_image: StackImage,
    image_id: str,
    *,
    limits: Limits,
    say: Callable[[str], None],
) -> None:
    """Finish an image that was still pending when its build ended, and configure the stack.

    Raises:
        PlanError: the image does not exist, or no build for this environment created it.
        ImageError: AWS could not finish it.
        NotConfiguredError: it is finished, but the stack could not be changed.
    """
    try:
        images = aws.ec2.describe_images(ImageIds=[image_id], Owners=["self"])["Images"]
    except AWS_ERRORS as error:
        if not error_code(error).startswith("InvalidAMIID"):
            raise
        images = list[Any]()
    if not images:
        raise PlanError(
            f"{image_id}: this account has no such image in {aws.region}; see those that it has: "
            "sandbox image list"
        )
    tags = tags_of(images[0].get("Tags"))
    if tags.get("Project") != names.PROJECT or not tags.get(BUILD_TAG):
        raise PlanError(
            f"{image_id}: no image build of this project created it; see those that it created: "
            "sandbox image list"
        )
    if tags.get("Environment") != target.environment:
        raise PlanError(
            f"{image_id}: is an image for the environment {tags.get('Environment')}, but "
            f"stack {target.stack} is {target.environment}; name its stack with --stack"
        )
    image = steps.available(aws, limits, image_id, say=say)
    steps.require_private(image)
    steps.publish(aws, image_id, build_resources.snapshot_ids(image), image.get("Name", ""))
    stack_image.configure(image_id)


def _running(aws: AwsClients, image_ids: list[str]) -> set[str]:
    """The ids of the images that an existing instance was launched from."""
    if not image_ids:
        return set()
    filters = {"image-id": image_ids, "instance-state-name": LIVE_STATES}
    return {instance.get("ImageId", "") for instance in build_resources.all_instances(aws, filters)}


def _machine_image(
    description: Mapping[str, Any], configured: Collection[str], running: Collection[str]
) -> MachineImage:
    image_id, tags = description["ImageId"], tags_of(description.get("Tags"))
    mappings = description.get("BlockDeviceMappings", [])
    return MachineImage(
        id=image_id,
        name=description.get("Name", ""),
        created=datetime.fromisoformat(description.get("CreationDate", "1970-01-01T00:00:00Z")),
        state=description.get("State", ""),
        size_gib=sum(mapping.get("Ebs", {}).get("VolumeSize", 0) for mapping in mappings),
        snapshots=tuple(build_resources.snapshot_ids(description)),
        versions={
            key.removeprefix(VERSION_TAG): value
            for key, value in tags.items()
            if key.startswith(VERSION_TAG)
        },
        build_id=tags.get(BUILD_TAG, ""),
        in_use=(CONFIGURED,) * (image_id in configured) + (RUNNING,) * (image_id in running),
    )
