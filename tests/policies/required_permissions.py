"""The IAM permissions that AWS calls need: action, resource and condition keys.

An action can have another name than its API, and one call can need several actions, for example to
tag a new resource or to pass a role. Sources: the service authorization reference, and the API
reference of AddRoleToInstanceProfile, CreateFlowLogs, CreateLogGroup and IAM's tagging.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra import names as resource_names
from local.iam import reference
from local.iam.evaluator import Request
from tests.policies.recorded_calls import RecordedCall

ACCOUNT: Final = "123456789012"
"""The emulated account."""
STATE_KEY: Final = "11111111-2222-3333-4444-555555555555"
"""The id of the KMS key of the state. Calls name the key by its alias, or not at all."""
ID: Final = re.compile(r"([a-z]+)-[0-9a-f]+")
KINDS: Final = {
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""The resource type by the prefix of an id."""
OWN_TAGS: Final = {"Project": resource_names.PROJECT, "Purpose": resource_names.PURPOSE}
"""Tags of every resource of the stack."""
PRINCIPAL: Final = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
NAMES: Final = {"user": "UserName", "role": "RoleName", "instance-profile": "InstanceProfileName"}
"""The parameter of an IAM call that names an identity, by the kind of identity."""
CONDITIONS: Final = {"PermissionsBoundary": "iam:PermissionsBoundary", "PolicyArn": "iam:PolicyARN"}
"""Parameters of IAM calls that are condition keys too."""
BOUNDARIES: Final = {
    resource_names.MANAGER: resource_names.MANAGER_BOUNDARY,
    resource_names.INSTANCE_ROLE: resource_names.INSTANCE_BOUNDARY,
    resource_names.FLOW_LOGS: resource_names.FLOW_LOGS_BOUNDARY,
}
"""The boundary of an identity by its name, because calls after the creation do not name it."""
TAGGING: Final = ("CreateTags", "DeleteTags")
"""EC2 calls that need a permission only for the resource types that they name."""
TAGGED_AT_CREATION: Final = {
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateUser": "iam:TagUser",
    "logs:CreateLogGroup": "logs:TagResource",
}
BARE_LOG_GROUP: Final = ("logs:ListTagsForResource", "logs:TagResource", "logs:UntagResource")
"""These actions use the ARN of the log group itself; all others use the ARN that ends in `:*`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html"""
OBJECTS: Final = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A permission that a call needs."""

    action: str
    resource: str
    keys: tuple[tuple[str, str], ...]

    @property
    def request(self) -> Request:
        return Request(
            principal=PRINCIPAL, action=self.action, resource=self.resource, context=dict(self.keys)
        )


def needs(calls: Iterable[RecordedCall], *, paths: Mapping[str, str]) -> list[Need]:
    """The permissions that the calls need, in order, each once."""
    return [*dict.fromkeys(need for call in calls for need in _needs(call, paths))]


def learnt_paths(calls: Iterable[RecordedCall]) -> Mapping[str, str]:
    """The path of each identity that the calls create, because later calls do not name it."""
    return {
        f"{kind}/{call.parameters[name]}": call.parameters["Path"]
        for call in calls
        for kind, name in NAMES.items()
        if call.service == "iam" and {"Path", name} <= call.parameters.keys()
    }


def _needs(call: RecordedCall, paths: Mapping[str, str]) -> Iterator[Need]:
    match call.service:
        case "iam":
            yield from _identities(call, paths)
        case "ec2":
            yield from _network(call)
        case "logs":
            yield from _logs(call)
        case "s3":
            yield from _objects(call)
        case "kms":
            arn = f"arn:aws:kms:{call.region}:{ACCOUNT}:key/{STATE_KEY}"
            yield _need(call, f"kms:{call.action}", arn)
        case _:
            action = f"{call.service}:{call.action}"
            yield _need(call, action, _any_resource(call, action))


def _need(call: RecordedCall, action: str, resource: str, **keys: str) -> Need:
    """A permission with the condition keys that *action* supports."""
    known = reference.action(action)
    if known is None:
        raise ValueError(
            f"{action}: is not a valid action; add what {call.action} needs to {__name__}"
        )
    supported = {
        name.replace("__", ":"): value
        for name, value in keys.items()
        if reference.knows(known.keys, name.replace("__", ":"))
    }
    everywhere = {"aws:RequestedRegion": call.region}
    return Need(action=action, resource=resource, keys=tuple({**everywhere, **supported}.items()))


def _any_resource(call: RecordedCall, action: str) -> str:
    return reference.any_resource(action, region=call.region, account=ACCOUNT)


def _passed(call: RecordedCall, arn: str, service: str) -> Need:
    return _need(call, "iam:PassRole", arn, iam__PassedToService=service)


def _identities(call: RecordedCall, paths: Mapping[str, str]) -> Iterator[Need]:
    action = f"iam:{call.action}"
    arn = _identity(call, paths)
    keys = {
        key.replace(":", "__"): call.parameters[name]
        for name, key in CONDITIONS.items()
        if name in call.parameters
    }
    if boundary := BOUNDARIES.get(arn.rpartition("/")[2]):
        keys = {"iam__PermissionsBoundary": _arn("policy", boundary, {}), **keys}
    yield _need(call, action, arn, **keys)
    if action in TAGGED_AT_CREATION and any(
        parameter.startswith("Tags.") for parameter in call.parameters
    ):
        yield _need(call, TAGGED_AT_CREATION[action], arn)
    if call.action == "AddRoleToInstanceProfile":
        yield _passed(call, _arn("role", call.parameters["RoleName"], paths), "ec2.amazonaws.com")


def _identity(call: RecordedCall, paths: Mapping[str, str]) -> str:
    known = reference.action(f"iam:{call.action}")
    for kind in [resource.name for resource in known.resources] if known else []:
        if kind == "policy" and "PolicyName" in call.parameters:
            path = call.parameters.get("Path", "/")
            return f"arn:aws:iam::{ACCOUNT}:policy{path}{call.parameters['PolicyName']}"
        if kind == "policy":
            return call.parameters["PolicyArn"]
        if kind in NAMES and NAMES[kind] in call.parameters:
            return _arn(kind, call.parameters[NAMES[kind]], paths)
    return "*"


def _arn(kind: str, name: str, paths: Mapping[str, str]) -> str:
    path = paths.get(f"{kind}/{name}", "/")
    return f"arn:aws:iam::{ACCOUNT}:{kind}{path}{name}"


def _network(call: RecordedCall) -> Iterator[Need]:
    """The permissions for each resource type of the call: new resources with the call's tags.

    Existing resources carry the stack's tags, so calls on them have aws:ResourceTag.
    """
    action = f"ec2:{call.action}"
    new_tags = _tags_of_new_resources(call)
    types = reference.action(action)
    named = {
        KINDS[match[1]]
        for value in call.parameters.values()
        if (match := ID.fullmatch(str(value))) and match[1] in KINDS
    }
    possible = {resource.name for resource in types.resources} if types else set[str]()
    required = types.required if types else frozenset[str]()
    if call.action in TAGGING:
        required = frozenset(named)
    asked = required | possible & {*named, *new_tags}
    for kind in sorted(asked) if required else ():
        tags = new_tags.get(kind)
        prefix, values = ("aws:RequestTag", tags) if tags else ("aws:ResourceTag", OWN_TAGS)
        yield _on_network(call, action, kind, {f"{prefix}/{key}": values[key] for key in values})
    if not required:
        resource = _any_resource(call, action)
        keys = {f"aws:ResourceTag/{key}": value for key, value in OWN_TAGS.items()}
        everywhere = {"aws:RequestedRegion": call.region}
        is_read = resource == "*"
        yield Need(
            action=action,
            resource=resource,
            keys=tuple((everywhere if is_read else {**everywhere, **keys}).items()),
        )
    for kind, tags in new_tags.items():
        requested = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        yield _on_network(
            call, "ec2:CreateTags", kind, {"ec2:CreateAction": call.action, **requested}
        )
    if "DeliverLogsPermissionArn" in call.parameters:
        role = call.parameters["DeliverLogsPermissionArn"]
        yield _passed(call, role, "vpc-flow-logs.amazonaws.com")


def _on_network(call: RecordedCall, action: str, kind: str, keys: Mapping[str, str]) -> Need:
    return Need(
        action=action,
        resource=f"arn:aws:ec2:{call.region}:{ACCOUNT}:{kind}/x",
        keys=tuple({"aws:RequestedRegion": call.region, **keys}.items()),
    )


def _tags_of_new_resources(call: RecordedCall) -> Mapping[str, Mapping[str, str]]:
    """The tags that the call gives to new resources, by resource type."""
    parameters = call.parameters
    tags: dict[str, dict[str, str]] = {}
    for name, kind in parameters.items():
        if name.startswith("TagSpecification.") and name.endswith(".ResourceType"):
            specification = name.removesuffix("ResourceType") + "Tag."
            tags[kind] = {
                value: parameters[f"{key.removesuffix('Key')}Value"]
                for key, value in parameters.items()
                if key.startswith(specification) and key.endswith(".Key")
            }
    return tags


def _logs(call: RecordedCall) -> Iterator[Need]:
    action = f"logs:{call.action}"
    if not (known := reference.action(action)) or not known.resources:
        yield _need(call, action, "*")
        return
    group = call.parameters.get("resourceArn") or (
        f"arn:aws:logs:{call.region}:{ACCOUNT}:log-group:{call.parameters['logGroupName']}"
    )
    yield _need(call, action, group if action in BARE_LOG_GROUP else f"{group}:log-stream:")
    if call.parameters.get("tags") and action in TAGGED_AT_CREATION:
        yield _need(call, TAGGED_AT_CREATION[action], group)


def _objects(call: RecordedCall) -> Iterator[Need]:
    bucket, _, key = call.path.removeprefix("/").partition("/")
    if key:
        yield _need(call, OBJECTS[call.action], f"arn:aws:s3:::{bucket}/{key}")
    elif call.action == "GET" and call.parameters.get("list-type") == "2":
        yield _need(call, "s3:ListBucket", f"arn:aws:s3:::{bucket}")
    else:
        raise ValueError(f"{call}: is not a known call; add what it needs to {__name__}")
