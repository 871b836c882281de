"""Images that are there already: what each holds, which may go, which can still be finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ami import build_resources as things
from ami import steps
from ami.aws import AWS_ERRORS, Aws, code, reason, where
from ami.build_resources import BuildResource
from ami.errors import LeftoverError, PlanError
from infra import names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from mypy_boto3_ec2.type_defs import ImageTypeDef

    from ami.limits import Limits
    from ami.stack import Stack

LIVE: Final = ["pending", "running", "stopping", "stopped", "shutting-down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    id: str
    name: str
    made: datetime
    state: str
    gib: int
    snapshots: tuple[str, ...]
    versions: dict[str, str]
    build_id: str
    in_use: str = ""
    """Why it must stay: empty, if nothing holds it."""


def of_environment(aws: Aws, environment: str, configured: Collection[str]) -> list[Image]:
    """The finished images of a stack's environment, newest first."""
    pages = aws.ec2.get_paginator("describe_images").paginate(
        Owners=["self"],
        Filters=where(
            tag__Project=names.PROJECT,
            tag__Purpose=names.IMAGE_PURPOSE,
            tag__Environment=environment,
        ),
    )
    found = [one for page in pages for one in page["Images"]]
    running = _used(aws, [one.get("ImageId", "") for one in found])
    images = [_image(one, configured, running) for one in found]
    return sorted(images, key=lambda one: (one.made, one.id), reverse=True)


def to_prune(images: list[Image], keep: int) -> list[Image]:
    """All but the newest *keep*, and none that is configured or runs."""
    return [one for one in images[keep:] if not one.in_use]


def remove(aws: Aws, images: Iterable[Image], say: Callable[[str], None]) -> None:
    """Deregister, then delete the snapshots; go on after a refusal, and name it at the end."""
    left: list[str] = []
    for image in images:
        parts = [BuildResource(kind="image", id=image.id)]
        parts += [BuildResource(kind="snapshot", id=one) for one in image.snapshots]
        for part in parts:
            try:
                things.remove(aws, part)
            except AWS_ERRORS as error:
                left.append(f"  {part} ({reason(error)}): {part.command(aws.region)}")
            else:
                say(f"removed {part}")
    if left:
        raise LeftoverError("\n".join(["not removed:", *left]))


def resume(  # noqa: PLR0913 - the place, the image, the limits and where to tell
    aws: Aws,
    stack: Stack,
    identity: str,
    *,
    environment: str,
    limits: Limits,
    say: Callable[[str], None],
) -> None:
    """Finish an image whose build ended while it was pending."""
    try:
        found = aws.ec2.describe_images(ImageIds=[identity], Owners=["self"])["Images"]
    except AWS_ERRORS as error:
        if not code(error).startswith("InvalidAMIID"):
            raise
        found = []
    if not found:
        raise PlanError([f"{identity}: this account has no such image in {aws.region}"])
    tags = _tags(found[0])
    if tags.get("Project") != names.PROJECT or not tags.get("BuildId"):
        raise PlanError([f"{identity}: was not made by an image build of this project"])
    if tags.get("Environment") != environment:
        raise PlanError(
            [f"{identity}: was made for {tags.get('Environment')}, the stack is {environment}"]
        )
    made = steps.available(aws, limits, identity, say=say)
    steps.not_public(made)
    name = made.get("Name", "")
    steps.publish(aws, identity, steps.snapshots_of(made), name)
    stack.configure(identity)


def dead(found: Iterable[BuildResource], *, older_than: timedelta) -> list[BuildResource]:
    """What belongs to builds that started too long ago to be alive."""
    now = datetime.now(UTC)
    return [
        one for one in found if one.since and now - datetime.fromisoformat(one.since) > older_than
    ]


def _used(aws: Aws, identities: list[str]) -> set[str]:
    if not identities:
        return set()
    pages = aws.ec2.get_paginator("describe_instances").paginate(
        Filters=where(image_id=identities, instance_state_name=LIVE)
    )
    return {
        one.get("ImageId", "")
        for page in pages
        for reservation in page["Reservations"]
        for one in reservation.get("Instances", [])
    }


def _image(one: ImageTypeDef, configured: Collection[str], running: Collection[str]) -> Image:
    identity, tags = one.get("ImageId", ""), _tags(one)
    disks = [
        mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in one.get("BlockDeviceMappings", [])
    ]
    reasons = ["configured"] * (identity in configured) + ["running"] * (identity in running)
    return Image(
        id=identity,
        name=one.get("Name", ""),
        made=datetime.fromisoformat(one.get("CreationDate", "1970-01-01T00:00:00Z")),
        state=one.get("State", ""),
        gib=sum(disks),
        snapshots=tuple(steps.snapshots_of(one)),
        versions={
            key.removeprefix("version/"): value
            for key, value in tags.items()
            if key.startswith("version/")
        },
        build_id=tags.get("BuildId", ""),
        in_use=", ".join(reasons),
    )


def _tags(one: ImageTypeDef) -> dict[str, str]:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in one.get("Tags", [])}
