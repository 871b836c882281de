"""Each step makes one thing and undoes it.

An undo that fails is told and left to the last sweep, which finds the thing by its tag or name; it
never takes the place of the error that ended the build.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ami import build_resources as things
from ami.aws import AWS_ERRORS, Aws, as_tags, code, eventually, reason, tagged, where
from ami.build_resources import BuildResource
from ami.errors import ConfigError, ImageError, LaunchError
from ami.limits import LimitReachedError, Limits, until
from infra import names

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mypy_boto3_ec2.type_defs import ImageTypeDef, InstanceTypeDef

    from ami.machine import Keys
    from ami.plan import Plan, Subnet
    from ami.progress import Progress

NO_CAPACITY: Final = {"InsufficientInstanceCapacity", "Unsupported", "InsufficientHostCapacity"}
QUOTA: Final = {"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded"}
NOT_YET_VISIBLE: Final = {
    "InvalidGroup.NotFound",
    "InvalidGroupId.NotFound",
    "InvalidKeyPair.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidAMIID.NotFound",
}


class Undo:
    """Removes what a step made, unless the user wants to look at it."""

    def __init__(self, aws: Aws, plan: Plan, progress: Progress) -> None:
        self.aws, self.plan, self.progress = aws, plan, progress
        self.failed: list[BuildResource] = []
        """What the sweep still has to remove."""
        self.kept = False

    def __call__(self, thing: BuildResource) -> None:
        if self.kept:
            return
        try:
            things.remove(self.aws, thing)
            if thing.kind == "instance":
                _until_gone(self.aws, self.plan, thing)
        except (*AWS_ERRORS, LimitReachedError) as error:
            self.failed.append(thing)
            self.progress.say(f"{thing} is not removed yet: {reason(error)}")


@contextmanager
def key_pair(aws: Aws, plan: Plan, keys: Keys, undo: Undo) -> Generator[str]:
    """The public half of the build's key at AWS, or the name of the user's own key pair."""
    if plan.request.ssh_key:
        yield plan.request.ssh_key
        return
    try:
        aws.ec2.import_key_pair(
            KeyName=plan.name,
            PublicKeyMaterial=keys.login_line.encode(),
            TagSpecifications=tagged(plan.tags, "key-pair"),
        )
    except AWS_ERRORS as error:
        if code(error) != "InvalidKeyPair.Duplicate":  # ours: the first answer was lost
            raise
    try:
        yield plan.name
    finally:
        undo(BuildResource(kind="key-pair", id=plan.name))


@contextmanager
def ssh_group(aws: Aws, plan: Plan, undo: Undo) -> Generator[str]:
    """A security group that lets only the builder in, and only to port 22."""
    try:
        group = aws.ec2.create_security_group(
            GroupName=plan.name,
            Description="SSH from the image builder",
            VpcId=plan.facts.vpc_id,
            TagSpecifications=tagged(plan.tags, "security-group"),
        )["GroupId"]
    except AWS_ERRORS as error:
        if code(error) != "InvalidGroup.Duplicate":
            raise
        found = aws.ec2.describe_security_groups(
            Filters=where(group_name=plan.name, vpc_id=plan.facts.vpc_id)
        )["SecurityGroups"]
        group = found[0].get("GroupId", "")
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
                unseen=NOT_YET_VISIBLE,
                limits=plan.limits,
            )
        except AWS_ERRORS as error:
            if code(error) != "InvalidPermission.Duplicate":
                raise
        yield group
    finally:
        undo(BuildResource(kind="security-group", id=group))


@contextmanager
def instance(  # noqa: PLR0913 - what a machine consists of
    aws: Aws, plan: Plan, *, key: str, group: str, user_data: str, undo: Undo
) -> Generator[InstanceTypeDef]:
    """The build machine, running, in the first of the stack's zones that has one to give."""
    identity = _launch(aws, plan, key=key, group=group, user_data=user_data, say=undo.progress.say)
    try:
        yield _running(aws, plan, identity)
    finally:
        undo(BuildResource(kind="instance", id=identity))


def _launch(  # noqa: PLR0913 - as above
    aws: Aws, plan: Plan, *, key: str, group: str, user_data: str, say: Callable[[str], None]
) -> str:
    refused: list[str] = []
    for subnet in plan.subnets:
        try:
            made = eventually(
                lambda subnet=subnet: aws.ec2.run_instances(
                    **_machine(plan, subnet, key=key, group=group, user_data=user_data)
                ),
                unseen=NOT_YET_VISIBLE,
                limits=plan.limits,
            )
        except AWS_ERRORS as error:
            if code(error) in QUOTA:
                raise LaunchError(
                    f"{plan.instance_type}: a quota of {aws.region} is used up, of instances that"
                    f" may run at once ({code(error)}): {reason(error)}"
                ) from error
            if code(error) not in NO_CAPACITY:
                raise
            refused.append(f"{subnet.zone}: {code(error)}")
            say(f"{subnet.zone} has no {plan.instance_type} to give")
            continue
        return made["Instances"][0].get("InstanceId", "")
    raise LaunchError(
        f"{plan.instance_type}: no zone of the stack has one ({', '.join(refused)}):"
        " try again later, or another --instance-type"
    )


def _machine(plan: Plan, subnet: Subnet, *, key: str, group: str, user_data: str) -> Any:  # noqa: ANN401 - boto3's own keyword arguments
    return {
        "ImageId": plan.base_image,
        "InstanceType": plan.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        # an own token, so that any repeat of this launch is the same launch
        "ClientToken": f"{plan.build_id}-{subnet.zone}",
        "KeyName": key,
        "UserData": user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
        },
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet.id,
                "Groups": [group],
                "AssociatePublicIpAddress": True,
                "DeleteOnTermination": True,
            }
        ],
        "BlockDeviceMappings": [
            {
                "DeviceName": plan.root_device,
                "Ebs": {
                    "VolumeType": "gp3",
                    "VolumeSize": plan.disk_gib,
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "TagSpecifications": tagged(plan.tags, "instance", "volume", "network-interface"),
    }


def _look(aws: Aws, identity: str) -> InstanceTypeDef | None:
    """The instance, or nothing while AWS does not know it yet."""
    try:
        found = aws.ec2.describe_instances(InstanceIds=[identity])["Reservations"]
    except AWS_ERRORS as error:
        if code(error) not in NOT_YET_VISIBLE:
            raise
        return None
    return next((one for some in found for one in some.get("Instances", [])), None)


def why_ended(machine: InstanceTypeDef) -> str:
    why = machine.get("StateReason", {}).get("Message", "AWS gives no reason")
    return f"{machine.get('InstanceId')} is {machine.get('State', {}).get('Name')}: {why}"


def _running(aws: Aws, plan: Plan, identity: str) -> InstanceTypeDef:
    def look() -> InstanceTypeDef | None:
        machine = _look(aws, identity)
        state = machine.get("State", {}).get("Name") if machine else "pending"
        if machine and state in {*things.GONE, "stopping", "stopped"}:
            raise LaunchError(why_ended(machine))
        reachable = machine and machine.get("PublicIpAddress")
        return machine if state == "running" and reachable else None

    return _limited(look, plan.limits.running, plan, f"{identity} to run", LaunchError)


def alive(aws: Aws, identity: str) -> None:
    """Raise if the machine is no longer there to be reached."""
    machine = _look(aws, identity)
    if machine and machine.get("State", {}).get("Name") not in {"pending", "running"}:
        raise LaunchError(why_ended(machine))


def stop(aws: Aws, plan: Plan, identity: str) -> None:
    """Stop the machine, so that the image is of a disk at rest."""
    aws.ec2.stop_instances(InstanceIds=[identity])

    def look() -> bool | None:
        machine = _look(aws, identity)
        state = machine.get("State", {}).get("Name") if machine else "stopping"
        if machine and state in things.GONE:
            raise ImageError(why_ended(machine))
        return True if state == "stopped" else None

    _limited(look, plan.limits.stopped, plan, f"{identity} to stop", ImageError)


def _until_gone(aws: Aws, plan: Plan, thing: BuildResource) -> None:
    def look() -> bool | None:
        machine = _look(aws, thing.id)
        state = machine.get("State", {}).get("Name") if machine else "terminated"
        return True if state == "terminated" else None

    limits = plan.limits
    until(look, limit=limits.terminated, every=limits.poll, what=f"{thing} to be terminated")


@contextmanager
def image(  # noqa: PLR0913 - what an image consists of
    aws: Aws, plan: Plan, *, instance_id: str, description: str, tags: dict[str, str], undo: Undo
) -> Generator[ImageTypeDef]:
    """The image of the stopped machine, available; the one thing that is kept on success."""
    try:
        identity = aws.ec2.create_image(
            InstanceId=instance_id,
            Name=plan.image_name,
            Description=description,
            TagSpecifications=tagged(plan.tags | tags, "image", "snapshot"),
        )["ImageId"]
    except AWS_ERRORS as error:
        if code(error) != "InvalidAMIName.Duplicate":
            raise
        # ours, for nobody else knows the build's id: the first answer was lost
        found = aws.ec2.describe_images(Owners=["self"], Filters=where(name=plan.image_name))
        identity = found["Images"][0].get("ImageId", "")
    parts = [BuildResource(kind="image", id=identity)]
    try:
        made = available(aws, plan.limits, identity, say=undo.progress.note)
        parts += [BuildResource(kind="snapshot", id=one) for one in snapshots_of(made)]
        not_public(made)
        yield made
    except (PendingError, ConfigError):
        raise  # it may still be finished, or is finished: neither is undone
    except BaseException:
        for part in parts:
            undo(part)
        raise


class PendingError(ImageError):
    """The wait for an image ended before the image did."""

    def __init__(self, identity: str, limit: float) -> None:
        super().__init__(
            f"{identity} is still pending after {limit:g} s and is left so: finish it with"
            f" sandbox image resume {identity}"
        )
        self.identity = identity


def available(
    aws: Aws, limits: Limits, identity: str, *, say: Callable[[str], None]
) -> ImageTypeDef:
    """Wait until the image can be used."""

    def look() -> ImageTypeDef | None:
        try:
            found = aws.ec2.describe_images(ImageIds=[identity])["Images"]
        except AWS_ERRORS as error:
            if code(error) not in NOT_YET_VISIBLE:
                raise
            return None
        state = found[0].get("State", "pending") if found else "pending"
        if state not in {"pending", "available"}:
            why = found[0].get("StateReason", {}).get("Message", "AWS gives no reason")
            raise ImageError(f"{identity} is {state}: {why}")
        say(f"{identity} {state}")
        return found[0] if state == "available" else None

    try:
        return until(look, limit=limits.available, every=limits.poll, what=identity)
    except LimitReachedError as error:
        raise PendingError(identity, limits.available) from error


def not_public(made: ImageTypeDef) -> None:
    if made.get("Public"):
        identity = made.get("ImageId")
        raise ImageError(f"{identity} is public: nobody outside this account may have it")


def snapshots_of(made: ImageTypeDef) -> list[str]:
    found = (
        mapping.get("Ebs", {}).get("SnapshotId") for mapping in made.get("BlockDeviceMappings", [])
    )
    return [one for one in found if one]


def publish(aws: Aws, identity: str, snapshots: list[str], name: str) -> None:
    """Make a finished image one that may be launched: its Purpose says so, to IAM as well."""
    aws.ec2.modify_image_attribute(
        ImageId=identity, Attribute="imdsSupport", ImdsSupport={"Value": "v2.0"}
    )
    aws.ec2.create_tags(
        Resources=[identity, *snapshots],
        Tags=as_tags({"Purpose": names.IMAGE_PURPOSE, "Name": name}),
    )


def _limited(
    look: Callable[[], Any], limit: float, plan: Plan, what: str, error: type[Exception]
) -> Any:  # noqa: ANN401 - hands through what `look` sees
    try:
        return until(look, limit=limit, every=plan.limits.poll, what=what)
    except LimitReachedError as reached:
        raise error(str(reached)) from reached
