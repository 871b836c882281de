"""A question to IAM: whether a call may use one action on one resource."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.authorization.callers import Caller
from local.authorization.calls import Call
from local.iam import reference
from local.iam.evaluator import Document, Values

ANY: Final = "*"
"""Replaces a part of an ARN that does not exist yet or is not named."""


class CannotJudgeError(Exception):
    """The emulated AWS cannot decide on the call; the text is one line for the user."""


def unknown_action(action: str) -> CannotJudgeError:
    return CannotJudgeError(f"{action} is not an action of the service authorization reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether the caller may use *action* on *resource*."""

    action: str
    resource: str
    context: Mapping[str, Values] = field(default_factory=dict[str, Values])
    """The condition keys about the resource and the request."""
    owner: str = ""
    """The account that owns the resource; "" if it is the caller's."""
    policy: Document | None = None
    """The resource's own policy."""
    resource_decides: bool = False
    """Only the resource's policy gives access, as for roles and keys."""


def question(  # noqa: PLR0913 - what a question has
    action: str,
    resource: str,
    context: Mapping[str, Values] | None = None,
    *,
    owner: str = "",
    policy: Document | None = None,
    resource_decides: bool = False,
) -> Question:
    """The question, with the keys of *context* that the action supports for this resource.

    Raises:
        CannotJudgeError: the service authorization reference does not know the action.
    """
    known = reference.action(action)
    if known is None:
        raise unknown_action(action)
    kind = known.resource(resource)
    keys = known.keys | kind.keys if kind else known.keys
    return Question(
        action=known.name,
        resource=resource,
        context={
            key: value for key, value in (context or {}).items() if reference.knows(keys, key)
        },
        owner=owner,
        policy=policy,
        resource_decides=resource_decides,
    )


FILLED: Final = frozenset(
    f"ec2:{key}".lower()
    for key in (
        *("AssociatePublicIpAddress", "AvailabilityZone", "CreateAction", "EbsOptimized"),
        *("Encrypted", "ImageID", "ImageType", "InstanceID", "InstanceMarketType"),
        *("InstanceMetadataTags", "InstanceProfile", "InstanceType", "KeyPairName"),
        *("KeyPairType", "KmsKeyId", "MetadataHttpEndpoint", "MetadataHttpPutResponseHopLimit"),
        *("MetadataHttpTokens", "NetworkInterfaceID", "Owner", "ParentSnapshot", "ParentVolume"),
        *("PlacementGroup", "PlacementGroupName", "Public", "Region", "RoleDelivery"),
        *("RootDeviceType", "SecurityGroupID", "SnapshotID", "SourceInstanceARN", "Subnet"),
        *("SubnetID", "Tenancy", "VolumeID", "VolumeIops", "VolumeSize", "VolumeThroughput"),
        *("VolumeType", "Vpc", "VpcID"),
    )
)
"""The condition keys of EC2 that the emulated AWS sets, besides those of tags."""


def not_filled(action: str, resource: str, keys: Iterable[str]) -> list[str]:
    """The *keys* that EC2 sets for this resource and the emulated AWS does not."""
    known = reference.action(action)
    if known is None or not action.startswith("ec2:"):
        return []
    kind = known.resource(resource)
    supported = known.keys | kind.keys if kind else known.keys
    return [
        key
        for key in keys
        if key.lower().startswith("ec2:")
        and not key.lower().startswith("ec2:resourcetag/")
        and key.lower() not in FILLED
        and reference.knows(supported, key)
    ]


def request_tags(tags: Mapping[str, str]) -> dict[str, Values]:
    """The condition keys of the tags that a request adds or removes."""
    if not tags:
        return {}
    return {
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        "aws:TagKeys": list(tags),
    }


def resource_tags(tags: Mapping[str, str], service: str) -> dict[str, Values]:
    """The condition keys of the tags that a resource has."""
    return {
        f"{prefix}:ResourceTag/{key}": value
        for key, value in tags.items()
        for prefix in ("aws", service)
    }


def tag_map(tags: Any) -> dict[str, str]:
    """Tags by key, from AWS's list of pairs or its map."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    pairs = [{key.lower(): value for key, value in pair.items()} for pair in tags or []]
    return {pair["key"]: str(pair.get("value") or "") for pair in pairs}


def about_call(caller: Caller, call: Call) -> dict[str, Values]:
    """The condition keys that every call has.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    return {
        **caller.context,
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true",
        "aws:SourceIp": call.source_ip,
        "aws:UserAgent": call.user_agent,
        "aws:ViaAWSService": "false",
    }


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The ARN of *pattern*, with a star where *values* has no value."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1]) or ANY, pattern)
