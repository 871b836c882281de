"""The steps of a build in AWS; each creates one resource and removes it again.

A failed removal is reported and left to the final sweep, which finds the resource by its tag or
name. It never replaces the error that ended the build.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ami import build_resources, launch
from ami.aws_calls import AWS_ERRORS, as_tags, eventually, tag_specifications
from ami.build_resources import PURPOSE_TAG, TERMINATED_STATES, BuildResource, snapshot_ids
from ami.errors import ImageError, LaunchError, NotConfiguredError
from ami.limits import LimitReachedError, Limits, until
from ami.plan import MIN_IOPS, MIN_THROUGHPUT
from infra import names
from infra.aws_clients import as_filters, error_code, error_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mypy_boto3_ec2.type_defs import ImageTypeDef, InstanceTypeDef

    from ami.first_boot import BuildKeys
    from ami.plan import BuildPlan, BuildSubnet
    from ami.progress import BuildProgress
    from infra.aws_clients import AwsClients

# Error codes of EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
QUOTA_USED_UP: Final = {
    "VcpuLimitExceeded",
    "InstanceLimitExceeded",
    "MaxSpotInstanceCountExceeded",
}
NOT_YET_VISIBLE: Final = {
    "InvalidGroup.NotFound",
    "InvalidGroupId.NotFound",
    "InvalidKeyPair.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidAMIID.NotFound",
}
NO_REASON: Final = "AWS gives no reason"
KEY_HINT: Final = "; often the KMS key with which EBS encrypts does not allow its use by you"
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html"""


class Undo:
    """Removes what a step created, unless the user wants to keep a failed build."""

    def __init__(self, aws: AwsClients, plan: BuildPlan, progress: BuildProgress) -> None:
        self.aws, self.plan, self.progress = aws, plan, progress
        self.failed: list[BuildResource] = []
        """The resources that the sweep still has to remove."""
        self.keep_all = False

    def __call__(self, resource: BuildResource) -> None:
        if self.keep_all:
            return
        try:
            build_resources.remove(self.aws, resource)
            if resource.kind == "instance":
                _wait_until_terminated(self.aws, self.plan, resource)
        except (*AWS_ERRORS, LimitReachedError) as error:
            self.failed.append(resource)
            self.progress.say(f"{resource} is not removed yet: {error_reason(error)}")


@contextmanager
def key_pair(aws: AwsClients, plan: BuildPlan, keys: BuildKeys, undo: Undo) -> Generator[str]:
    """The name of the build's temporary key pair, or of the user's own."""
    if plan.options.ssh_key:
        yield plan.options.ssh_key
        return
    try:
        aws.ec2.import_key_pair(
            KeyName=plan.temporary_name,
            PublicKeyMaterial=keys.login_public.encode(),
            TagSpecifications=tag_specifications(plan.tags, "key-pair"),
        )
    except AWS_ERRORS as error:
        # only this build uses the name, so a duplicate means that the first answer was lost
        if error_code(error) != "InvalidKeyPair.Duplicate":
            raise
    try:
        yield plan.temporary_name
    finally:
        undo(BuildResource(kind="key-pair", id=plan.temporary_name))


@contextmanager
def ssh_group(aws: AwsClients, plan: BuildPlan, undo: Undo) -> Generator[str]:
    """The id of a security group that opens only port 22, to the builder."""
    try:
        group = aws.ec2.create_security_group(
            GroupName=plan.temporary_name,
            Description="SSH from the image builder",
            VpcId=plan.target.vpc_id,
            TagSpecifications=tag_specifications(plan.tags, "security-group"),
        )["GroupId"]
    except AWS_ERRORS as error:
        if error_code(error) != "InvalidGroup.Duplicate":
            raise
        filters = {"group-name": plan.temporary_name, "vpc-id": plan.target.vpc_id}
        groups = aws.ec2.describe_security_groups(Filters=as_filters(filters))["SecurityGroups"]
        group = groups[0].get("GroupId", "")
    try:
        try:
            eventually(
                lambda: aws.ec2.authorize_security_group_ingress(
                    GroupId=group,
                    IpPermissions=[
                        {
                            "IpProtocol": "tcp",
                            "FromPort": 22,
                            "ToPort": 22,
                            "IpRanges": [{"CidrIp": plan.ssh_from, "Description": "the builder"}],
                        }
                    ],
                ),
                retry_on=NOT_YET_VISIBLE,
                limits=plan.limits,
            )
        except AWS_ERRORS as error:
            if error_code(error) != "InvalidPermission.Duplicate":
                raise
        yield group
    finally:
        undo(BuildResource(kind="security-group", id=group))


@contextmanager
def instance(  # noqa: PLR0913 - the parts of a machine
    aws: AwsClients, plan: BuildPlan, *, key: str, group: str, user_data: str, undo: Undo
) -> Generator[InstanceTypeDef]:
    """The build machine, running, in the first zone of the stack that has capacity.

    EC2 may accept a launch and later end the pending machine for lack of capacity.
    """
    launch.do_not_retry_without_capacity(aws.ec2)
    refusals: list[str] = []
    for subnet in plan.subnets:
        request = launch.parameters(plan, subnet, key=key, group=group, user_data=user_data)
        try:
            instance_id = _launch(aws, plan, subnet, request)
        except NoCapacityError as error:
            refusals.append(f"{subnet.zone}: {error}")
            undo.progress.say(f"{subnet.zone} has no capacity for {plan.instance_type}: {error}")
            continue
        try:
            try:
                machine = _wait_until_running(aws, plan, instance_id)
            except NoCapacityError as error:
                refusals.append(f"{subnet.zone}: {error}")
                undo.progress.say(f"{subnet.zone} has no capacity after all: {error}")
                continue
            yield machine
        finally:
            undo(BuildResource(kind="instance", id=instance_id))
        return
    raise LaunchError(
        f"{plan.instance_type}: no zone of the stack has capacity ({', '.join(refusals)}); try "
        "again later, or use another --instance-type"
    )


class NoCapacityError(Exception):
    """EC2 has no capacity for the machine in this zone; the message is EC2's code."""


def _launch(aws: AwsClients, plan: BuildPlan, subnet: BuildSubnet, request: dict[str, Any]) -> str:
    # With a token of its own, a repeated launch is the same launch:
    # https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
    token = f"{plan.build_id}-{subnet.zone}"
    try:
        launched = eventually(
            lambda: aws.ec2.run_instances(**request, ClientToken=token),
            retry_on=NOT_YET_VISIBLE,
            limits=plan.limits,
        )
    except AWS_ERRORS as error:
        code = error_code(error)
        if code in QUOTA_USED_UP:
            raise LaunchError(
                f"{plan.instance_type}: a quota of {aws.region} for running instances is used "
                f"up ({code}): {error_reason(error)}; stop instances, or ask AWS for more"
            ) from error
        if code in launch.NO_CAPACITY:
            raise NoCapacityError(code) from error
        raise
    return launched["Instances"][0].get("InstanceId", "")


def _describe(aws: AwsClients, instance_id: str) -> InstanceTypeDef | None:
    """The instance; None as long as AWS does not find it."""
    try:
        reservations = aws.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    except AWS_ERRORS as error:
        if error_code(error) not in NOT_YET_VISIBLE:
            raise
        return None
    return next((machine for group in reservations for machine in group.get("Instances", [])), None)


def _state(machine: InstanceTypeDef | None, otherwise: str) -> str:
    return machine.get("State", {}).get("Name", "") if machine else otherwise


def _why_ended(machine: InstanceTypeDef) -> str:
    reason = machine.get("StateReason", {})
    hint = KEY_HINT if reason.get("Code") == "Client.InternalError" else ""
    why = reason.get("Message", NO_REASON)
    return f"{machine.get('InstanceId')} is {_state(machine, '')}: {why}{hint}"


def _wait_until_running(aws: AwsClients, plan: BuildPlan, instance_id: str) -> InstanceTypeDef:
    def poll() -> InstanceTypeDef | None:
        machine = _describe(aws, instance_id)
        state = _state(machine, "pending")
        if machine and state in {*TERMINATED_STATES, "stopping", "stopped"}:
            code = machine.get("StateReason", {}).get("Code", "").removeprefix("Server.")
            if code in launch.NO_CAPACITY:
                raise NoCapacityError(code)
            raise LaunchError(_why_ended(machine))
        has_address = machine and machine.get("PublicIpAddress")
        return machine if state == "running" and has_address else None

    return _until(poll, plan.limits.running, plan, f"{instance_id} to run", LaunchError)


def require_alive(aws: AwsClients, instance_id: str) -> None:
    """Check that the machine can still be reached.

    Raises:
        LaunchError: it is stopped or terminated; the message has AWS's reason.
    """
    machine = _describe(aws, instance_id)
    if machine and _state(machine, "") not in {"pending", "running"}:
        raise LaunchError(_why_ended(machine))


def stop(aws: AwsClients, plan: BuildPlan, instance_id: str) -> None:
    """Stop the machine, so that nothing writes to its disk during CreateImage."""
    volume = _slow_down_disk(aws, plan, instance_id)
    aws.ec2.stop_instances(InstanceIds=[instance_id])

    def poll() -> bool | None:
        machine = _describe(aws, instance_id)
        state = _state(machine, "stopping")
        if machine and state in TERMINATED_STATES:
            raise ImageError(_why_ended(machine))
        return True if state == "stopped" else None

    _until(poll, plan.limits.stopped, plan, f"{instance_id} to stop", ImageError)
    if volume:
        _wait_until_modified(aws, plan, volume)


def _slow_down_disk(aws: AwsClients, plan: BuildPlan, instance_id: str) -> str:
    """Give the disk the speed that gp3's price includes; return its id, or "" without a change.

    An image keeps the IOPS and the throughput of its volume, so each sandbox would pay for them.
    CreateImage cannot change them:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
    """
    if (plan.options.disk_iops, plan.options.disk_throughput) == (MIN_IOPS, MIN_THROUGHPUT):
        return ""
    machine = _describe(aws, instance_id)
    mappings = machine.get("BlockDeviceMappings", []) if machine else []
    volume = next(
        mapping.get("Ebs", {}).get("VolumeId", "")
        for mapping in mappings
        if mapping.get("DeviceName") == plan.root_device
    )
    aws.ec2.modify_volume(VolumeId=volume, Iops=MIN_IOPS, Throughput=MIN_THROUGHPUT)
    return volume


def _wait_until_modified(aws: AwsClients, plan: BuildPlan, volume: str) -> None:
    """Wait until a description of the volume, and so the image, has the new speed."""

    def poll() -> bool | None:
        changes = aws.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"]
        states = {change.get("ModificationState") for change in changes}
        return None if "modifying" in states else True

    _until(poll, plan.limits.stopped, plan, f"{volume} to be modified", ImageError)


def _wait_until_terminated(aws: AwsClients, plan: BuildPlan, resource: BuildResource) -> None:
    def poll() -> bool | None:
        machine = _describe(aws, resource.id)
        return True if _state(machine, "terminated") == "terminated" else None

    limits = plan.limits
    goal = f"{resource} to be terminated"
    until(poll, limit=limits.terminated, interval=limits.poll_interval, goal=goal)


@contextmanager
def image(  # noqa: PLR0913 - the parts of an image
    aws: AwsClients,
    plan: BuildPlan,
    *,
    instance_id: str,
    description: str,
    tags: dict[str, str],
    undo: Undo,
) -> Generator[ImageTypeDef]:
    """The available image of the stopped machine, the only resource that stays after a success."""
    try:
        image_id = aws.ec2.create_image(
            InstanceId=instance_id,
            Name=plan.image_name,
            Description=description,
            TagSpecifications=tag_specifications(plan.tags | tags, "image", "snapshot"),
        )["ImageId"]
    except AWS_ERRORS as error:
        if error_code(error) != "InvalidAMIName.Duplicate":
            raise
        # only this build uses the name, so a duplicate means that the first answer was lost
        image_id = build_resources.own_images(aws, {"name": plan.image_name})[0]["ImageId"]
    parts = [BuildResource(kind="image", id=image_id)]
    try:
        created = available(aws, plan.limits, image_id, say=undo.progress.note)
        parts += [BuildResource(kind="snapshot", id=part) for part in snapshot_ids(created)]
        require_private(created)
        yield created
    except (PendingError, NotConfiguredError):
        raise  # the image is finished, or can still be finished: it stays
    except BaseException:
        for part in parts:
            undo(part)
        raise


class PendingError(ImageError):
    """The wait for an image ended before AWS had finished it."""

    def __init__(self, image_id: str, limit: float) -> None:
        super().__init__(
            f"{image_id} is still pending after {limit:g} s; it is not removed; wait for it and "
            f"finish it with: sandbox image resume {image_id}"
        )
        self.image_id = image_id


def available(
    aws: AwsClients, limits: Limits, image_id: str, *, say: Callable[[str], None]
) -> ImageTypeDef:
    """Wait until the image can be used, and return its description.

    Raises:
        ImageError: AWS could not finish it.
        PendingError: it is not finished after `limits.available` seconds.
    """

    def poll() -> ImageTypeDef | None:
        try:
            images = aws.ec2.describe_images(ImageIds=[image_id])["Images"]
        except AWS_ERRORS as error:
            if error_code(error) not in NOT_YET_VISIBLE:
                raise
            return None
        state = images[0].get("State", "pending") if images else "pending"
        if state not in {"pending", "available"}:
            why = images[0].get("StateReason", {}).get("Message", NO_REASON)
            raise ImageError(f"{image_id} is {state}: {why}; build again")
        say(f"{image_id} {state}")
        return images[0] if state == "available" else None

    try:
        return until(poll, limit=limits.available, interval=limits.poll_interval, goal=image_id)
    except LimitReachedError as error:
        raise PendingError(image_id, limits.available) from error


def require_private(description: ImageTypeDef) -> None:
    """Refuse an image that other accounts can launch.

    Raises:
        ImageError: the image is public.
    """
    if description.get("Public"):
        raise ImageError(
            f"{description.get('ImageId')} is public, but only this account may have it; turn on "
            "the block of public access for AMIs in EC2's settings"
        )


def publish(aws: AwsClients, image_id: str, snapshots: list[str], name: str) -> None:
    """Set the Purpose tag on a finished image, which the manager's policy requires."""
    aws.ec2.modify_image_attribute(
        ImageId=image_id, Attribute="imdsSupport", ImdsSupport={"Value": "v2.0"}
    )
    aws.ec2.create_tags(
        Resources=[image_id, *snapshots],
        Tags=as_tags({PURPOSE_TAG: names.IMAGE_PURPOSE, "Name": name}),
    )


def _until(
    poll: Callable[[], Any], limit: float, plan: BuildPlan, goal: str, error: type[Exception]
) -> Any:  # noqa: ANN401 - hands through the result of `poll`
    try:
        return until(poll, limit=limit, interval=plan.limits.poll_interval, goal=goal)
    except LimitReachedError as reached:
        raise error(str(reached)) from reached
