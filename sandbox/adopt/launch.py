"""Ask IAM whether the manager could still launch a machine like the newest one after the update.

The service launches as it always did, and nobody has the new policies yet. IAM's policy simulator
takes them as text, and is asked about each part of the launch as EC2 will ask IAM. What to change
about a part that is refused, the program names itself.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import context, names, tags
from infra.account import AccountIdentity
from infra.aws_clients import AwsClients, error_reason
from infra.permissions import manager, statements
from infra.permissions.context import PolicyContext
from infra.permissions.manager import MAX_HOPS, MAX_IOPS, MAX_THROUGHPUT
from infra.settings import Settings, checks
from sandbox.adopt.machines import (
    NOTHING,
    Json,
    MachineListing,
    age,
    missing_tags,
    profile_arn,
    tags_of,
)
from sandbox.core.policy_simulator import Decision, Values, simulate_documents

RUN: Final = "ec2:RunInstances"
TEMPLATE_TAG: Final = "aws:ec2launchtemplate:id"
"""EC2 puts it on an instance that was launched from a template."""
UNKNOWN: Final = "compare it with what the manager can launch: docs/permissions.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchNetwork:
    """Where the stack's machines run."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPart:
    """What EC2 asks IAM about in a launch, such as a volume."""

    name: str
    resource: str
    action: str = RUN
    context: Mapping[str, Values | None]
    """The condition keys; a key without a value is not in the request."""
    changes: tuple[str, ...] = ()
    """What the service has to change, so that it is allowed."""
    decision: Decision | None = None
    """Under the new policies; None if IAM did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A launch like that of the newest machine, under the new policies."""

    machine: str
    """The id of the newest machine."""
    parts: tuple[LaunchPart, ...]
    not_judged: str
    """Why IAM did not judge it; "" if it did."""

    @property
    def is_refused(self) -> bool:
        return any(part.changes for part in self.parts)


def judged_launch(
    aws: AwsClients, listed: MachineListing, settings: Settings, network: LaunchNetwork
) -> Launch | None:
    """A launch like that of the newest machine; None if there is no machine.

    An error of AWS costs only the decisions.
    """
    if not listed.instances:
        return None
    newest = max(listed.instances, key=age)
    new = context.policy_context(settings, AccountIdentity(**aws.identity), vpc_id=network.vpc_id)
    parts = tuple(_parts(newest, listed, settings, new, network))
    not_judged = ""
    try:
        parts = tuple(_judged(aws, settings, new, parts))
    except (BotoCoreError, ClientError) as error:
        needed = "iam:SimulateCustomPolicy"
        if settings.permissions_boundary:
            needed += ", iam:GetPolicy and iam:GetPolicyVersion"
        not_judged = f"{error_reason(error)}; allow {needed}"
    return Launch(machine=newest["InstanceId"], parts=parts, not_judged=not_judged)


def _judged(
    aws: AwsClients, settings: Settings, new: PolicyContext, parts: Sequence[LaunchPart]
) -> Iterator[LaunchPart]:
    """The *parts*, each with the decision of IAM's simulator."""
    policies = statements.documents(manager.policy(new))
    boundary = (
        _boundary_of_the_organization(aws, settings.permissions_boundary)
        if settings.permissions_boundary
        else statements.document(manager.boundary(new))
    )
    for part in parts:
        decision = simulate_documents(
            aws.iam,
            part.action,
            part.resource,
            {key: value for key, value in part.context.items() if value is not None},
            policies=policies,
            boundary=boundary,
        )
        changes = part.changes
        if decision == "allowed":
            changes = ()
        elif decision and not changes:
            changes = (UNKNOWN,)
        yield replace(part, decision=decision, changes=changes)


def _boundary_of_the_organization(aws: AwsClients, arn: str) -> str:
    version: Any = aws.iam.get_policy(PolicyArn=arn)["Policy"]
    answer: Any = aws.iam.get_policy_version(PolicyArn=arn, VersionId=version["DefaultVersionId"])
    return json.dumps(answer["PolicyVersion"]["Document"])


def _parts(
    instance: Json,
    listed: MachineListing,
    settings: Settings,
    new: PolicyContext,
    network: LaunchNetwork,
) -> Iterator[LaunchPart]:
    """What EC2 asks about, each part with the condition keys that EC2 fills in."""
    always = {
        "aws:RequestedRegion": new.region,
        "aws:ViaAWSService": "false",
        f"aws:PrincipalTag/{names.IMAGE_TAG}": settings.sandbox_ami_id or None,
    }
    profile = profile_arn(listed.association_of(instance))
    parts = [
        *_tagged(_instance(instance, profile, settings, new), instance, settings, new),
        *(
            part
            for volume in listed.volumes_of(instance)
            for part in _tagged(_volume(volume, settings, new), volume, settings, new)
        ),
        _image(instance.get("ImageId", ""), listed.images, settings, new),
        *_of_network(instance, new, network),
        *_named(instance, settings, new),
    ]
    for part in parts:
        yield replace(part, context={**always, "ec2:Region": new.region, **part.context})
    if profile == new.instance_profile_arn:
        yield LaunchPart(
            name=f"role {names.INSTANCE_ROLE}",
            action="iam:PassRole",
            resource=new.instance_role_arn,
            context={**always, "iam:PassedToService": "ec2.amazonaws.com"},
        )


def _tagged(
    part: LaunchPart, resource: Json, settings: Settings, new: PolicyContext
) -> Iterator[LaunchPart]:
    """*part* with the tags that the launch gives it, and the right to give them."""
    given = tags_of(resource)
    requested: Mapping[str, Values] = {
        **{f"aws:RequestTag/{key}": value for key, value in given.items()},
        **({"aws:TagKeys": sorted(given)} if given else {}),
    }
    yield replace(part, context={**part.context, **requested})
    foreign = sorted(given.keys() - set(new.launch_tag_keys))
    change = (
        f"leave the tags {', '.join(foreign)} out of the launch, or allow them: sandbox settings "
        f"set instance_tags {shlex.join((*settings.instance_tags, *foreign))}"
    )
    if given:
        yield LaunchPart(
            name=f"tags of {part.name}",
            action="ec2:CreateTags",
            resource=part.resource,
            context={**requested, "ec2:CreateAction": "RunInstances"},
            changes=(change,) if foreign else (),
        )


def _instance(instance: Json, profile: str, settings: Settings, new: PolicyContext) -> LaunchPart:
    options = instance.get("MetadataOptions", {})
    return LaunchPart(
        name=f"instance {instance['InstanceId']}",
        resource=new.ec2("instance/*"),
        context={
            "ec2:InstanceProfile": profile or None,
            "ec2:InstanceType": instance.get("InstanceType"),
            "ec2:MetadataHttpTokens": options.get("HttpTokens"),
            "ec2:MetadataHttpPutResponseHopLimit": _text(options.get("HttpPutResponseHopLimit")),
            "ec2:InstanceMarketType": instance.get("InstanceLifecycle", "on-demand"),
            "ec2:Tenancy": instance.get("Placement", {}).get("Tenancy", "default"),
        },
        changes=tuple(_of_instance(instance, profile, settings, new)),
    )


def _of_instance(
    instance: Json, profile: str, settings: Settings, new: PolicyContext
) -> Iterator[str]:
    if profile != new.instance_profile_arn:
        name = profile.rpartition("/")[2]
        yield f"name the profile {names.INSTANCE_PROFILE}, not {name or 'none'}"
    options = instance.get("MetadataOptions", {})
    if options.get("HttpTokens") != "required":
        yield "require IMDSv2: MetadataOptions HttpTokens = required"
    if options.get("HttpPutResponseHopLimit", 1) > MAX_HOPS:
        yield f"set HttpPutResponseHopLimit to at most {MAX_HOPS}"
    yield from _tag_changes(instance, settings)
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
    if instance.get("InstanceLifecycle"):
        yield f"launch on demand, not {instance['InstanceLifecycle']}"
    if instance.get("Placement", {}).get("Tenancy", "default") != "default":
        yield "launch on shared hardware: Tenancy = default"


def _volume(volume: Json, settings: Settings, new: PolicyContext) -> LaunchPart:
    return LaunchPart(
        name=f"volume {volume['VolumeId']}",
        resource=new.ec2("volume/*"),
        context={
            "ec2:Encrypted": "true" if volume.get("Encrypted") else "false",
            "ec2:VolumeType": volume.get("VolumeType"),
            "ec2:VolumeSize": _text(volume.get("Size")),
            "ec2:VolumeIops": _text(volume.get("Iops")),
            "ec2:VolumeThroughput": _text(volume.get("Throughput")),
        },
        changes=tuple(_of_volume(volume, settings)),
    )


def _of_volume(volume: Json, settings: Settings) -> Iterator[str]:
    if not volume.get("Encrypted"):
        yield "encrypt it: BlockDeviceMappings Ebs Encrypted = true"
    yield from _tag_changes(volume, settings)
    if volume.get("VolumeType") not in settings.volume_types:
        yield f"use the type {' or '.join(settings.volume_types)}"
    if volume.get("Size", 0) > settings.max_volume_gib:
        yield f"ask for at most {settings.max_volume_gib} GiB"
    if (volume.get("Iops") or 0) > MAX_IOPS:
        yield f"provision at most {MAX_IOPS} IOPS"
    if (volume.get("Throughput") or 0) > MAX_THROUGHPUT:
        yield f"provision at most {MAX_THROUGHPUT} MiB/s"


def _tag_changes(resource: Json, settings: Settings) -> Iterator[str]:
    for key, value in missing_tags(resource, settings).items():
        yield f"tag it at launch with {key} = {value}"
    if not tags_of(resource).get(names.USER_TAG):
        yield f"tag it at launch with {names.USER_TAG}"


def _image(
    image_id: str, images: Sequence[Json], settings: Settings, new: PolicyContext
) -> LaunchPart:
    image = next((image for image in images if image["ImageId"] == image_id), NOTHING)
    image_tags = tags_of(image)
    wanted = {**tags.common(settings.environment), "Purpose": names.IMAGE_PURPOSE}
    is_of_stack = image.get("OwnerId") == new.account_id and all(
        image_tags.get(key) == value for key, value in wanted.items()
    )
    change = (
        f"allow it: sandbox settings set sandbox_ami_id {image_id}, or build one with sandbox "
        "image build"
    )
    return LaunchPart(
        name=f"image {image_id}",
        resource=new.image(image_id),
        context={
            "ec2:ImageID": image_id,
            "ec2:Owner": image.get("OwnerId"),
            **{f"aws:ResourceTag/{key}": value for key, value in image_tags.items()},
        },
        changes=() if is_of_stack or image_id == settings.sandbox_ami_id else (change,),
    )


def _of_network(instance: Json, new: PolicyContext, network: LaunchNetwork) -> Iterator[LaunchPart]:
    """The interface, the subnet and the security groups.

    Those of the stack have their names after the update.
    """
    yield LaunchPart(
        name="network interface",
        resource=new.ec2("network-interface/*"),
        context={"ec2:Vpc": new.vpc_arn},
    )
    groups: Sequence[Json] = instance.get("SecurityGroups", [])
    for kind, name, of_stack, identifier in (
        ("subnet", names.SUBNET, network.subnet_ids, instance.get("SubnetId", "")),
        *(
            ("security-group", names.SECURITY_GROUP, (network.security_group_id,), group["GroupId"])
            for group in groups
        ),
    ):
        is_of_stack = identifier in of_stack
        yield LaunchPart(
            name=f"{kind} {identifier}",
            resource=new.ec2(f"{kind}/{identifier}"),
            context={"ec2:Vpc": new.vpc_arn, "aws:ResourceTag/Name": name if is_of_stack else None},
            changes=() if is_of_stack else (f"name {' or '.join(of_stack)} instead",),
        )


def _named(instance: Json, settings: Settings, new: PolicyContext) -> Iterator[LaunchPart]:
    """What EC2 asks about only where the launch names it."""
    template: str = next(
        (tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == TEMPLATE_TAG), ""
    )
    reservation: Json = instance.get("CapacityReservationSpecification", {})
    target: Json = reservation.get("CapacityReservationTarget", {})
    block: str = target.get("CapacityReservationId", "")
    allow_block = (
        "allow it: sandbox settings set capacity_reservations "
        f"{' '.join((*settings.capacity_reservations, block))}"
    )
    for kind, name, change in (
        ("key-pair", instance.get("KeyName", ""), ""),
        ("launch-template", template, "launch without a template: name everything in the request"),
        (
            "placement-group",
            instance.get("Placement", {}).get("GroupName", ""),
            "launch without a placement group",
        ),
        (
            "capacity-reservation",
            block,
            "" if block in settings.capacity_reservations else allow_block,
        ),
    ):
        if name:
            yield LaunchPart(
                name=f"{kind} {name}",
                resource=new.ec2(f"{kind}/{name}"),
                context={},
                changes=(change,) if change else (),
            )


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
