"""Identities: one manager and one role for instances, each under its own boundary."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from infra import catalogue, names
from policies.config import Parameters
from policies.document import DocumentError, Statement, parse
from policies.rule import (
    Finding,
    Level,
    Resource,
    ResourceRule,
    Rule,
    Stack,
    StackResource,
    StackRule,
    decide_each,
    elements,
    given,
    has,
    is_unknown,
    refers_to,
    text,
)
from policies.show import show

ATTACHMENTS: Final = frozenset(
    {catalogue.ROLE_POLICY_ATTACHMENT.name, catalogue.USER_POLICY_ATTACHMENT.name}
)
EC2: Final = "ec2.amazonaws.com"
FLOW_LOGS: Final = "vpc-flow-logs.amazonaws.com"
PODS: Final = "pods.eks.amazonaws.com"
BOUNDARIES: Final = {
    names.MANAGER: names.MANAGER_BOUNDARY,
    names.INSTANCE_ROLE: names.INSTANCE_BOUNDARY,
}
POLICY_OWNERS: Final = {
    names.MANAGER_POLICY: names.MANAGER,
    names.INSTANCE_POLICY: names.INSTANCE_ROLE,
}


def no_aws_managed_policies(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    if resource.resource_type == catalogue.ROLE.name:
        for arn in elements(resource.props, "managedPolicyArns"):
            yield from _if_aws_managed("managedPolicyArns", arn(), parameters)
    else:
        yield from _if_aws_managed("policyArn", text(resource.props, "policyArn"), parameters)


def _if_aws_managed(key: str, arn: str, parameters: Parameters) -> Iterator[Finding]:
    if ":iam::aws:policy/" in arn and arn not in parameters.aws_managed_policies:
        yield Finding(property=key, value=show(arn), problem="is an AWS managed policy")


def one_access_key(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    active: dict[str, int] = {}
    for key in _active_keys(stack):
        user = _owner(key)
        active[user] = active.get(user, 0) + 1
        if active[user] > parameters.access_keys:
            yield Finding(resource=key, problem=f"is active key number {active[user]} of its user")


def access_key_age(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    """By the date in the state, which a preview knows for every key that already exists."""

    def check(key: StackResource) -> Iterator[Finding]:
        created = text(key.props, "createDate")
        if not created:
            problem = "is required to know the age of the key"
            yield Finding(resource=key, property="createDate", value="not set", problem=problem)
            return
        days = (parameters.today - datetime.fromisoformat(created).date()).days
        if days > parameters.max_key_age_days:
            problem = f"is older than {parameters.max_key_age_days} days"
            yield Finding(resource=key, property="age in days", value=show(days), problem=problem)

    yield from decide_each(_active_keys(stack), check)


def _active_keys(stack: Stack) -> list[StackResource]:
    return [
        key
        for key in stack.of_type(catalogue.ACCESS_KEY.name)
        if text(key.props, "status") != "Inactive"
    ]


def _owner(key: StackResource) -> str:
    users = key.property_dependencies.get("user", ())
    return users[0].urn if users else text(key.props, "user")


def no_other_users(user: Resource, parameters: Parameters) -> Iterator[Finding]:
    if parameters.manager_identity != "user":
        problem = f"is a user, but sandbox:manager_identity is {parameters.manager_identity}"
        yield Finding(problem=problem)
    elif text(user.props, "name") != names.MANAGER:
        yield Finding(property="name", problem=f"is not {names.MANAGER}")
    elif text(user.props, "path") != names.MANAGER_PATH:
        yield Finding(property="path", problem=f"is not {names.MANAGER_PATH}")


def trust_policy_scoped(role: Resource, parameters: Parameters) -> Iterator[Finding]:
    try:
        statements = parse(given(role.props, "assumeRolePolicy"))
    except DocumentError as error:
        yield Finding(property="assumeRolePolicy", problem=str(error))
        return
    name = text(role.props, "name")
    for statement in statements:
        if not statement.allows:
            continue
        for kind, value in statement.principals or (("*", "*"),):
            problem = _principal_problem(name, kind, value, statement, parameters)
            if problem:
                key = f"assumeRolePolicy: {statement.name}"
                yield Finding(property=key, value=show(value), problem=problem)


def _principal_problem(
    role: str, kind: str, value: str, statement: Statement, parameters: Parameters
) -> str:
    """The problem of one principal in the trust policy of *role*; "" if it has none."""
    if "*" in value:
        return "lets everyone assume the role"
    if kind == "Service" and value == EC2:
        return "" if role == names.INSTANCE_ROLE else "lets instances assume another role"
    if kind == "Service" and value == FLOW_LOGS:
        scoped = statement.requires("aws:SourceAccount")
        return "" if scoped else "lets flow logs of other accounts assume the role"
    if role == names.MANAGER and parameters.manager_identity == "pod-identity" and value == PODS:
        scoped = statement.requires("aws:RequestTag/kubernetes-service-account")
        return "" if scoped else "lets every pod of the cluster assume the role"
    if role == names.MANAGER and parameters.manager_identity == "irsa" and kind == "Federated":
        issuer = value.partition(":oidc-provider/")[2]
        scoped = all(
            len(values := statement.values(key)) == 1 and "*" not in values[0]
            for key in (f"{issuer}:sub", f"{issuer}:aud")
        )
        return "" if scoped else "lets more than one service account assume the role"
    return "is not a principal that the program lets assume this role"


def boundary_present(identity: Resource, _: Parameters) -> Iterator[Finding]:
    if identity.resource_type == catalogue.ROLE.name and _is_only_for(FLOW_LOGS, identity):
        return  # only AWS assumes it, and its one policy allows one log group
    if not has(identity.props, "permissionsBoundary"):
        yield Finding(property="permissionsBoundary", value="not set", problem="is required")
        return
    boundary = BOUNDARIES.get(text(identity.props, "name"), "")
    arn = text(identity.props, "permissionsBoundary")
    if not boundary or not arn.endswith(f":policy/{boundary}"):
        problem = f"is not {boundary or 'a boundary of this program'}"
        yield Finding(property="permissionsBoundary", value=show(arn), problem=problem)


def _is_only_for(service: str, role: Resource) -> bool:
    try:
        statements = parse(given(role.props, "assumeRolePolicy"))
    except DocumentError:
        return False
    principals = {principal for statement in statements for principal in statement.principals}
    return principals == {("Service", service)}


def boundary_matches_identity(stack: Stack, _: Parameters) -> Iterator[Finding]:
    """Decides a first preview, which knows no ARN yet, by the program's dependencies."""

    def check(identity: StackResource) -> Iterator[Finding]:
        expected = BOUNDARIES.get(text(identity.props, "name"))
        boundaries = identity.property_dependencies.get("permissionsBoundary", ())
        if (
            expected
            and boundaries
            and not any(text(boundary.props, "name") == expected for boundary in boundaries)
        ):
            problem = f"is not {expected}"
            yield Finding(resource=identity, property="permissionsBoundary", problem=problem)

    yield from decide_each(stack.of_type(catalogue.USER.name, catalogue.ROLE.name), check)


def boundary_not_attached(stack: Stack, _: Parameters) -> Iterator[Finding]:
    boundaries = [
        policy
        for policy in stack.of_type(catalogue.POLICY.name)
        if text(policy.props, "name") in BOUNDARIES.values()
    ]

    def check(attachment: StackResource) -> Iterator[Finding]:
        for boundary in boundaries:
            if _attaches(attachment, boundary):
                problem = "is a permissions boundary"
                yield Finding(resource=attachment, property="policyArn", problem=problem)

    yield from decide_each(stack.of_type(*ATTACHMENTS), check)


def _attaches(attachment: StackResource, policy: StackResource) -> bool:
    """By the program's dependencies, or by the ARN, which ends in the policy's name."""
    if refers_to(attachment, "policyArn", policy):
        return True
    if attachment.property_dependencies.get("policyArn") and is_unknown(
        attachment.props, "policyArn"
    ):
        return False  # it depends on another policy
    arn = text(attachment.props, "policyArn")
    return ":policy/" in arn and arn.rpartition("/")[2] == text(policy.props, "name")


def policies_attached_to_own_identity(stack: Stack, _: Parameters) -> Iterator[Finding]:
    def check(attachment: StackResource) -> Iterator[Finding]:
        for policy in stack.of_type(catalogue.POLICY.name):
            name = text(policy.props, "name")
            owners = (POLICY_OWNERS[start] for start in POLICY_OWNERS if name.startswith(start))
            owner = next(owners, None)
            if owner is None or not _attaches(attachment, policy):
                continue
            identity = text(attachment.props, "role") or text(attachment.props, "user")
            if identity != owner:
                problem = f"attaches {name} to another identity than {owner}"
                yield Finding(resource=attachment, problem=problem)

    yield from decide_each(stack.of_type(*ATTACHMENTS), check)


def profile_holds_instance_role(stack: Stack, _: Parameters) -> Iterator[Finding]:
    def check(profile: StackResource) -> Iterator[Finding]:
        for key, expected in (("name", names.INSTANCE_PROFILE), ("role", names.INSTANCE_ROLE)):
            if text(profile.props, key) != expected:
                yield Finding(resource=profile, property=key, problem=f"is not {expected}")

    yield from decide_each(stack.of_type(catalogue.INSTANCE_PROFILE.name), check)


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="no-aws-managed-policies",
        why="AWS can widen its own policies at any time, and most grant a whole service.",
        fix="Write the permissions that it needs in infra/permissions.",
        references=("CIS 1.15", "FSBP IAM.1"),
        parameters=("aws_managed_policies",),
        types=ATTACHMENTS | {catalogue.ROLE.name},
        check=no_aws_managed_policies,
    ),
    ResourceRule(
        id="no-other-users",
        why="Every further user has a further key that can leak.",
        fix="Use the manager, or a role.",
        parameters=("manager_identity",),
        types=frozenset({catalogue.USER.name}),
        check=no_other_users,
    ),
    StackRule(
        id="one-access-key",
        why="Nobody rotates a second active key.",
        fix="Remove the old key, or set it to Inactive; while rotating, raise access_keys to 2.",
        references=("CIS 1.12",),
        parameters=("access_keys",),
        check=one_access_key,
    ),
    StackRule(
        id="access-key-age",
        why="The longer a key lives, the more places hold a copy of it.",
        fix="Rotate it: `sandbox keys rotate`.",
        level=Level.ADVISORY,  # blocking would also block the update that rotates the key
        references=("CIS 1.13", "FSBP IAM.3"),
        parameters=("max_key_age_days",),
        check=access_key_age,
    ),
    ResourceRule(
        id="trust-policy-scoped",
        why="Whoever can assume a role has all of its rights.",
        fix="Trust ec2.amazonaws.com for the instances' role, and for other roles the principals of"
        " infra/permissions/trust.py.",
        parameters=("manager_identity",),
        types=frozenset({catalogue.ROLE.name}),
        check=trust_policy_scoped,
    ),
    ResourceRule(
        id="boundary-present",
        why="A boundary limits an identity even if somebody attaches more policies later.",
        fix="Set permissionsBoundary to the identity's own boundary.",
        types=frozenset({catalogue.ROLE.name, catalogue.USER.name}),
        check=boundary_present,
    ),
    StackRule(
        id="boundary-matches-identity",
        why="The boundary of another identity allows the work of that identity.",
        fix="Set permissionsBoundary to the identity's own boundary.",
        check=boundary_matches_identity,
    ),
    StackRule(
        id="boundary-not-attached",
        why="A boundary allows its actions on everything, so as an attached policy it grants that.",
        fix="Attach the identity's policy instead.",
        check=boundary_not_attached,
    ),
    StackRule(
        id="policies-attached-to-own-identity",
        why="A sandbox with the manager's policy could launch sandboxes.",
        fix="Attach each policy to its own identity only.",
        check=policies_attached_to_own_identity,
    ),
    StackRule(
        id="profile-holds-instance-role",
        why="The profile marks a sandbox; with another role it gives sandboxes other rights.",
        fix=f"Put {names.INSTANCE_ROLE} into {names.INSTANCE_PROFILE}.",
        check=profile_holds_instance_role,
    ),
)
