"""The permissions that a call of IAM or STS needs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
"""

from collections.abc import Iterator
from typing import Any, Final

from moto.iam.models import iam_backends

from local.authorization.callers import Caller, parsed
from local.authorization.calls import Call
from local.authorization.question import (
    ANY,
    Question,
    question,
    request_tags,
    resource_tags,
    tag_map,
    unknown_action,
)
from local.iam import reference
from local.iam.evaluator import Values

NAMES: Final = {
    "user": "UserName",
    "role": "RoleName",
    "group": "GroupName",
    "instance-profile": "InstanceProfileName",
}
"""The parameter that names an identity, by its type."""
COLLECTIONS: Final = {
    "user": "users",
    "role": "roles",
    "group": "groups",
    "instance-profile": "instance_profiles",
}
"""The attribute of moto's backend that holds the identities, by their type."""
CONDITIONS: Final = {"PermissionsBoundary": "iam:PermissionsBoundary", "PolicyArn": "iam:PolicyARN"}
"""Parameters that are condition keys too."""
TAGGING: Final = {
    "CreateInstanceProfile": "iam:TagInstanceProfile",
    "CreatePolicy": "iam:TagPolicy",
    "CreateRole": "iam:TagRole",
    "CreateUser": "iam:TagUser",
}
"""The action that a request with tags needs besides its own."""
WITHOUT_PERMISSION: Final = frozenset({"GetCallerIdentity"})
"""Operations that no policy can forbid.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""


def iam_questions(caller: Caller, call: Call) -> Iterator[Question]:
    iam: Any = iam_backends[caller.account][call.partition]
    action = f"iam:{call.operation}"
    known = reference.action(action)
    if known is None:
        raise unknown_action(action)
    given = tag_map(call.parameters.get("Tags"))
    keys: dict[str, Values] = {
        **request_tags(given),
        **{
            key: call.parameters[name]
            for name, key in CONDITIONS.items()
            if name in call.parameters
        },
    }
    kinds = [kind.name for kind in known.resources]
    arn = next((arn for kind in kinds if (arn := _arn(iam, caller, call, kind))), ANY)
    entity_keys = _entity_keys(iam, arn)
    yield question(action, arn, {**entity_keys, **keys})
    if given and call.operation in TAGGING:
        yield question(TAGGING[call.operation], arn, keys)
    if call.operation == "AddRoleToInstanceProfile":
        role = _named(iam, caller, call.partition, "role", call.parameters["RoleName"])
        yield question("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})


def _arn(iam: Any, caller: Caller, call: Call, kind: str) -> str | None:
    """The ARN of the policy or identity of this type that the call names."""
    parameters = call.parameters
    if kind == "policy":
        return _policy_arn(caller, call)
    name = parameters.get(NAMES.get(kind, ""))
    source: str = parameters.get("PolicySourceArn") or ""
    if name is None:
        # without a name the call is about its caller, as in GetUser and CreateAccessKey
        own_arn = caller.principal_arn if kind == "user" and not caller.is_session else None
        return source if f":{kind}/" in source else own_arn
    if call.operation.lower() == f"create{kind.replace('-', '')}":
        path = f"{parameters.get('Path') or '/'}{name}"
        return f"arn:{call.partition}:iam::{caller.account}:{kind}{path}"
    return _named(iam, caller, call.partition, kind, name)


def _policy_arn(caller: Caller, call: Call) -> str | None:
    if "PolicyArn" in call.parameters or "PolicyName" not in call.parameters:
        return call.parameters.get("PolicyArn")
    path = f"{call.parameters.get('Path') or '/'}{call.parameters['PolicyName']}"
    return f"arn:{call.partition}:iam::{caller.account}:policy{path}"


def _named(iam: Any, caller: Caller, partition: str, kind: str, name: str) -> str:
    entity = _entity(iam, kind, name)
    return entity.arn if entity else f"arn:{partition}:iam::{caller.account}:{kind}/{name}"


def _entity(iam: Any, kind: str, name: str) -> Any:
    entities = getattr(iam, COLLECTIONS[kind]).values()
    return next((entity for entity in entities if entity.name == name), None)


def _entity_keys(iam: Any, arn: str) -> dict[str, Values]:
    """The tags and the boundary of the user or role with this ARN."""
    kind, _, path = arn.rpartition(":")[2].partition("/")
    if kind not in {"user", "role"}:
        return {}
    entity = _entity(iam, kind, path.rpartition("/")[2])
    if entity is None or entity.arn != arn:
        return {}
    tags = iam.list_user_tags(entity.name) if kind == "user" else entity.tags
    boundary = entity.permissions_boundary
    return {
        **resource_tags(tag_map(list(tags.values()) if isinstance(tags, dict) else tags), "iam"),
        **({"iam:PermissionsBoundary": boundary["PermissionsBoundaryArn"]} if boundary else {}),
    }


def sts_questions(_: Caller, call: Call) -> Iterator[Question]:
    if call.operation in WITHOUT_PERMISSION:
        return
    arn = call.parameters.get("RoleArn") or ANY
    tags = tag_map(call.parameters.get("Tags"))
    keys: dict[str, Values] = {
        **request_tags(tags),
        "sts:RoleSessionName": call.parameters.get("RoleSessionName") or "",
    }
    if external_id := call.parameters.get("ExternalId"):
        keys["sts:ExternalId"] = external_id
    trust = None
    owner = ""
    if arn != ANY:
        owner = arn.split(":")[4]
        role = _entity(iam_backends[owner][call.partition], "role", arn.rpartition("/")[2])
        if role is not None and role.arn == arn:
            trust = parsed(role.assume_role_policy_document)
    for action in (f"sts:{call.operation}", *(["sts:TagSession"] if tags else [])):
        yield question(action, arn, keys, owner=owner, policy=trust, resource_decides=arn != ANY)
