"""Limits of users, roles, groups and policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from moto.iam.models import iam_backends

from local.authorization.calls import Call
from local.authorization.iam_and_sts import COLLECTIONS, NAMES
from local.request_checks.limits.limit import account_of, iam_of, limit

QUOTAS: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
API: Final = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_"
BOUNDARIES: Final = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
)
MANAGED_POLICY: Final = 6144
TRUST_POLICY: Final = 2048
INLINE_POLICIES: Final = {"user": 2048, "role": 10240, "group": 5120}
"""The characters of all inline policies of an identity, by its kind."""
ATTACHED_POLICIES: Final = 10
DEFAULT_SESSION: Final = 3600
ROLE_ARN: Final = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/.+")
WHITE_SPACE: Final = re.compile(r"\s")
"""White space, which IAM does not count."""


@limit(
    "iam:CreatePolicy", "iam:CreatePolicyVersion", code="LimitExceeded", status=409, source=QUOTAS
)
def managed_policies(call: Call) -> Iterator[str]:
    """A managed policy has at most 6,144 characters, white space not counted."""
    if _length(call.parameters["PolicyDocument"]) > MANAGED_POLICY:
        yield f"Cannot exceed quota for PolicySize: {MANAGED_POLICY}"


@limit(
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    code="LimitExceeded",
    status=409,
    source=QUOTAS,
)
def trust_policies(call: Call) -> Iterator[str]:
    """A role's trust policy has at most 2,048 characters, white space not counted."""
    name = "AssumeRolePolicyDocument" if call.operation == "CreateRole" else "PolicyDocument"
    if _length(call.parameters[name]) > TRUST_POLICY:
        yield f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}"


@limit(
    *(f"iam:Put{kind}Policy" for kind in ("User", "Role", "Group")),
    code="LimitExceeded",
    status=409,
    source=QUOTAS,
)
def inline_policies(call: Call) -> Iterator[str]:
    """The inline policies of a user have at most 2,048 characters in all.

    Those of a role have 10,240, those of a group 5,120; white space is not counted.
    """
    entity = entity_of(call)
    kind = _kind(call)
    texts = {**entity.policies} if entity else {}
    texts[call.parameters["PolicyName"]] = call.parameters["PolicyDocument"]
    most = INLINE_POLICIES[kind]
    if sum(map(_length, texts.values())) > most:
        name = call.parameters[NAMES[kind]]
        yield f"Maximum policy size of {most} bytes exceeded for {kind} {name}"


@limit(
    *(f"iam:Attach{kind}Policy" for kind in ("User", "Role", "Group")),
    code="LimitExceeded",
    status=409,
    source=QUOTAS,
)
def attached_policies(call: Call) -> Iterator[str]:
    """A user, a role and a group have at most 10 managed policies each."""
    entity = entity_of(call)
    arns = {*(entity.managed_policies if entity else ()), call.parameters["PolicyArn"]}
    if len(arns) > ATTACHED_POLICIES:
        yield f"Cannot exceed quota for PoliciesPer{_kind(call).capitalize()}: {ATTACHED_POLICIES}"


@limit(
    *(f"iam:Create{kind}" for kind in ("User", "Role", "Group", "Policy", "InstanceProfile")),
    code="EntityAlreadyExists",
    status=409,
    source=QUOTAS,
)
def names(call: Call) -> Iterator[str]:
    """Names of users, roles, groups, policies and profiles differ in more than their case."""
    iam = iam_of(call)
    kind = call.operation.removeprefix("Create")
    name = call.parameters[f"{kind}Name"]
    collection = {"Policy": "managed_policies", "InstanceProfile": "instance_profiles"}
    known = getattr(iam, collection.get(kind, f"{kind.lower()}s")).values()
    same = [entity for entity in known if entity.name.lower() == name.lower()]
    if any(getattr(entity, "arn", "").split(":")[4] != "aws" for entity in same):
        yield f"{kind} with name {name} already exists."


@limit("iam:DeletePolicy", code="DeleteConflict", status=409, source=f"{API}DeletePolicy.html")
def policies_in_use(call: Call) -> Iterator[str]:
    """A policy that is attached or a boundary, or has a second version, cannot be deleted."""
    iam, arn = iam_of(call), call.parameters["PolicyArn"]
    entities = [*iam.users.values(), *iam.roles.values(), *iam.groups.values()]
    if any(arn in entity.managed_policies or _boundary(entity) == arn for entity in entities):
        yield "Cannot delete a policy attached to entities."
    policy = iam.managed_policies.get(arn)
    if policy and len(policy.versions) > 1:
        yield (
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy."
        )


@limit("iam:DeleteUser", code="DeleteConflict", status=409, source=f"{API}DeleteUser.html")
def users_in_use(call: Call) -> Iterator[str]:
    """A user with a password, a device, a key, a certificate or a group cannot be deleted."""
    user = entity_of(call)
    if user is None:
        return
    attached = {
        "login profile": user.password,
        "MFA devices": user.mfa_devices,
        "access keys": user.access_keys,
        "SSH public keys": user.ssh_public_keys,
        "signing certificates": user.signing_certificates,
        "group memberships": iam_of(call).get_groups_for_user(user.name),
    }
    for kind, items in attached.items():
        if items:
            yield f"Cannot delete entity, must delete {kind} first."


@limit("iam:DeleteGroup", code="DeleteConflict", status=409, source=f"{API}DeleteGroup.html")
def iam_groups_in_use(call: Call) -> Iterator[str]:
    """A group of users with a user or a policy cannot be deleted."""
    group = entity_of(call)
    if group and group.users:
        yield "Cannot delete entity, must remove users from group first."
    if group and group.managed_policies:
        yield "Cannot delete entity, must detach all policies first."
    if group and group.policies:
        yield "Cannot delete entity, must delete policies first."


@limit(
    "iam:CreateUser",
    "iam:CreateRole",
    "iam:PutUserPermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    code="NoSuchEntity",
    status=404,
    source=BOUNDARIES,
)
def boundaries(call: Call) -> Iterator[str]:
    """A permissions boundary is a policy that exists."""
    arn = call.parameters.get("PermissionsBoundary")
    if arn and arn not in iam_of(call).managed_policies:
        yield f"Scope ARN: {arn} does not exist or is not attachable."


@limit(
    "sts:AssumeRole",
    code="ValidationError",
    source="https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
)
def session_durations(call: Call) -> Iterator[str]:
    """A session is not longer than its role's MaxSessionDuration."""
    arn, seconds = call.parameters["RoleArn"], call.parameters.get("DurationSeconds") or 0
    roles = [role for role in iam_of(call).roles.values() if role.arn == arn]
    if any(seconds > int(role.max_session_duration or DEFAULT_SESSION) for role in roles):
        yield ("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


@limit(
    "sts:AssumeRole",
    code="AccessDenied",
    status=403,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html",
)
def assumed_roles(call: Call) -> Iterator[str]:
    """A role that is assumed exists, in this account or in another."""
    arn = call.parameters["RoleArn"]
    owner = ROLE_ARN.fullmatch(arn)
    roles = iam_backends[owner[1]][call.partition].roles.values() if owner else ()
    if not any(role.arn == arn for role in roles):
        caller = f"arn:{call.partition}:iam::{account_of(call)}:root"
        yield f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"


def entity_of(call: Call) -> Any:
    """The user, role or group that the call names; None if there is none."""
    kind = _kind(call)
    entities = getattr(iam_of(call), COLLECTIONS[kind]).values()
    name = call.parameters.get(NAMES[kind])
    return next((entity for entity in entities if entity.name == name), None)


def _kind(call: Call) -> str:
    return next(kind for kind, name in NAMES.items() if name in call.parameters)


def _boundary(entity: Any) -> str | None:
    boundary = getattr(entity, "permissions_boundary", None)
    return boundary["PermissionsBoundaryArn"] if boundary else None


def _length(text: str) -> int:
    return len(WHITE_SPACE.sub("", text))
