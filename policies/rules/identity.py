"""Who there is: one manager, one role for instances, each under its boundary."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from infra import names
from policies import resource_types as kinds
from policies.config import Parameters
from policies.document import DocumentError, Statement, parse
from policies.rule import (
    EVERY,
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
    points_to,
    text,
)
from policies.show import show

ATTACHMENTS: Final = frozenset(
    {
        kinds.ROLE_ATTACHMENT,
        kinds.USER_ATTACHMENT,
        kinds.GROUP_ATTACHMENT,
        kinds.ANY_ATTACHMENT,
    }
)
EC2: Final = "ec2.amazonaws.com"
FLOW_LOGS: Final = "vpc-flow-logs.amazonaws.com"
PODS: Final = "pods.eks.amazonaws.com"
BOUNDARIES: Final = {
    names.MANAGER: names.MANAGER_BOUNDARY,
    names.INSTANCE_ROLE: names.INSTANCE_BOUNDARY,
}


def no_aws_managed_policies(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    if resource.resource_type == kinds.ROLE:
        for one in elements(resource.props, "managedPolicyArns"):
            yield from _if_of_aws("managedPolicyArns", one(), parameters)
    else:
        yield from _if_of_aws("policyArn", text(resource.props, "policyArn"), parameters)


def _if_of_aws(at: str, arn: str, parameters: Parameters) -> Iterator[Finding]:
    if ":iam::aws:policy/" in arn and arn not in parameters.aws_managed_policies:
        yield Finding(at=at, value=show(arn), wrong="is AWS's own, which grants whole services")


def no_inline_user_policies(resource: Resource, _: Parameters) -> Iterator[Finding]:
    yield Finding(wrong=f"{resource.resource_type} stands inside an identity")


def no_console_login(resource: Resource, _: Parameters) -> Iterator[Finding]:
    yield Finding(wrong=f"{resource.resource_type} lets the service's user log in to the console")


def one_access_key(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for key in _active_keys(stack):
        user = _owner(key)
        seen[user] = seen.get(user, 0) + 1
        if seen[user] > parameters.access_keys:
            yield Finding(on=key, wrong=f"is active key number {seen[user]} of its user")


def access_key_age(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    """By the date in the state, which a preview knows of every key that it does not make anew."""

    def check(key: StackResource) -> Iterator[Finding]:
        made = text(key.props, "createDate")
        if not made:
            yield Finding(on=key, at="createDate", value="not set", wrong="nobody knows its age")
            return
        days = (parameters.today - datetime.fromisoformat(made).date()).days
        if days > parameters.max_key_age_days:
            wrong = f"is older than {parameters.max_key_age_days} days"
            yield Finding(on=key, at="age in days", value=show(days), wrong=wrong)

    yield from decide_each(_active_keys(stack), check)


def _active_keys(stack: Stack) -> list[StackResource]:
    return [one for one in stack.of(kinds.ACCESS_KEY) if text(one.props, "status") != "Inactive"]


def _owner(key: StackResource) -> str:
    wired = [one.urn for one in key.property_dependencies.get("user", ())]
    return wired[0] if wired else text(key.props, "user")


def only_the_manager(user: Resource, parameters: Parameters) -> Iterator[Finding]:
    if parameters.manager_identity != "user":
        wrong = f"is a user, and sandbox:manager_identity is {parameters.manager_identity}"
        yield Finding(wrong=wrong)
    elif text(user.props, "name") != names.MANAGER:
        yield Finding(at="name", wrong=f"is another user than {names.MANAGER}")
    elif text(user.props, "path") != names.MANAGER_PATH:
        yield Finding(at="path", wrong=f"is not {names.MANAGER_PATH}")


def trust_is_narrow(role: Resource, parameters: Parameters) -> Iterator[Finding]:
    try:
        statements = parse(given(role.props, "assumeRolePolicy"))
    except DocumentError as error:
        yield Finding(at="assumeRolePolicy", wrong=str(error))
        return
    name = text(role.props, "name")
    for statement in statements:
        if not statement.allows:
            continue
        for kind, value in statement.principals or (("*", "*"),):
            wrong = _wrong_principal(name, kind, value, statement, parameters)
            if wrong:
                at = f"assumeRolePolicy: {statement.name}"
                yield Finding(at=at, value=show(value), wrong=wrong)


def _wrong_principal(
    name: str, kind: str, value: str, statement: Statement, parameters: Parameters
) -> str:
    """What is wrong with one principal of a role's trust; "" if nothing is."""
    if "*" in value:
        return "anybody can take the role"
    if kind == "Service" and value == EC2:
        return "" if name == names.INSTANCE_ROLE else "instances may take only their own role"
    if kind == "Service" and value == FLOW_LOGS:
        own = statement.requires("aws:SourceAccount")
        return "" if own else "flow logs of other accounts can take the role"
    if name == names.MANAGER and parameters.manager_identity == "pod-identity" and value == PODS:
        scoped = statement.requires("aws:RequestTag/kubernetes-service-account")
        return "" if scoped else "every pod of the cluster can take the role"
    if name == names.MANAGER and parameters.manager_identity == "irsa" and kind == "Federated":
        issuer = value.partition(":oidc-provider/")[2]
        exact = [
            found
            for key in (f"{issuer}:sub", f"{issuer}:aud")
            if len(found := statement.values(key)) == 1 and "*" not in found[0]
        ]
        return "" if len(exact) == 2 else "more than one service account can take the role"  # noqa: PLR2004 - sub and aud
    return "nobody said that it takes this role"


def boundary_present(identity: Resource, _: Parameters) -> Iterator[Finding]:
    if identity.resource_type == kinds.ROLE and _is_only_for(FLOW_LOGS, identity):
        return  # AWS itself takes it, and its one policy names one log group
    if not has(identity.props, "permissionsBoundary"):
        yield Finding(at="permissionsBoundary", value="not set", wrong="has no ceiling")
        return
    wanted = BOUNDARIES.get(text(identity.props, "name"), "")
    arn = text(identity.props, "permissionsBoundary")
    if not wanted or not arn.endswith(f":policy/{wanted}"):
        wrong = f"is not {wanted or 'a boundary of this program'}"
        yield Finding(at="permissionsBoundary", value=show(arn), wrong=wrong)


def _is_only_for(service: str, role: Resource) -> bool:
    try:
        statements = parse(given(role.props, "assumeRolePolicy"))
    except DocumentError:
        return False
    principals = {one for statement in statements for one in statement.principals}
    return principals == {("Service", service)}


def boundary_is_wired(stack: Stack, _: Parameters) -> Iterator[Finding]:
    """The same on a first preview, when the ARN is not known, by the program's wiring."""

    def check(identity: StackResource) -> Iterator[Finding]:
        wanted = BOUNDARIES.get(text(identity.props, "name"))
        wired = identity.property_dependencies.get("permissionsBoundary", ())
        if wanted and wired and not any(text(one.props, "name") == wanted for one in wired):
            yield Finding(on=identity, at="permissionsBoundary", wrong=f"is not {wanted}")

    yield from decide_each(stack.of(kinds.USER, kinds.ROLE), check)


def boundary_is_no_grant(stack: Stack, _: Parameters) -> Iterator[Finding]:
    boundaries = [
        one for one in stack.of(kinds.POLICY) if text(one.props, "name") in BOUNDARIES.values()
    ]

    def check(attachment: StackResource) -> Iterator[Finding]:
        for boundary in boundaries:
            if _attaches(attachment, boundary):
                yield Finding(on=attachment, at="policyArn", wrong="grants a whole ceiling")

    yield from decide_each(stack.of(*ATTACHMENTS), check)


def _attaches(attachment: StackResource, policy: StackResource) -> bool:
    """By the program's wiring, or by the ARN, which ends in the policy's name."""
    if points_to(attachment, "policyArn", policy):
        return True
    if attachment.property_dependencies.get("policyArn") and is_unknown(
        attachment.props, "policyArn"
    ):
        return False  # the program wired it to something else
    arn = text(attachment.props, "policyArn")
    return ":policy/" in arn and arn.rpartition("/")[2] == text(policy.props, "name")


def policies_stay_with_their_identity(stack: Stack, _: Parameters) -> Iterator[Finding]:
    owners = {names.MANAGER_POLICY: names.MANAGER, names.INSTANCE_POLICY: names.INSTANCE_ROLE}

    def check(attachment: StackResource) -> Iterator[Finding]:
        for policy in stack.of(kinds.POLICY):
            name = text(policy.props, "name")
            owner = next((owners[one] for one in owners if name.startswith(one)), None)
            if owner is None or not _attaches(attachment, policy):
                continue
            holder = text(attachment.props, "role") or text(attachment.props, "user")
            if holder != owner:
                yield Finding(on=attachment, wrong=f"gives {name} to another than {owner}")

    yield from decide_each(stack.of(*ATTACHMENTS), check)


def profile_holds_instance_role(stack: Stack, _: Parameters) -> Iterator[Finding]:
    def check(profile: StackResource) -> Iterator[Finding]:
        if text(profile.props, "name") != names.INSTANCE_PROFILE:
            yield Finding(on=profile, at="name", wrong=f"is not {names.INSTANCE_PROFILE}")
        if text(profile.props, "role") != names.INSTANCE_ROLE:
            yield Finding(on=profile, at="role", wrong=f"is not {names.INSTANCE_ROLE}")

    yield from decide_each(stack.of(kinds.PROFILE), check)


def no_groups_of_people(resource: Resource, _: Parameters) -> Iterator[Finding]:
    if resource.resource_type.startswith(PEOPLE):
        yield Finding(wrong=f"{resource.resource_type} brings people into the sandbox's account")


PEOPLE: Final = (
    "aws:iam/group",
    "aws:iam/userGroupMembership",
    "aws:iam/saml",
    "aws:iam/openIdConnect",
    "aws:iam/sshKey",
    "aws:iam/serviceSpecificCredential",
    "aws:iam/signingCertificate",
    "aws:iam/virtualMfaDevice",
    "aws:iam/accountAlias",
    "aws:iam/accountPasswordPolicy",
    "aws:identitystore/",
    "aws:ssoadmin/",
    "aws:organizations/",
)

RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="no-aws-managed-policies",
        why="AWS widens its own policies when it likes, and most grant a whole service.",
        fix="Write what is needed in infra/permissions.",
        references=("CIS 1.15", "FSBP IAM.1", "CKV_AWS_274", "CKV2_AWS_56"),
        takes=("aws_managed_policies",),
        on=ATTACHMENTS | {kinds.ROLE},
        check=no_aws_managed_policies,
    ),
    ResourceRule(
        id="no-inline-user-policies",
        why="An inline policy is seen by nobody who lists the account's policies.",
        fix="Make it a policy of infra/permissions and attach it.",
        references=("FSBP IAM.2",),
        on=frozenset({kinds.USER_POLICY, kinds.GROUP_POLICY}),
        check=no_inline_user_policies,
    ),
    ResourceRule(
        id="no-console-login",
        why="The manager is a program; a password for it is a second way in.",
        fix="Remove the login profile.",
        references=("CIS 1.9", "FSBP IAM.5", "CKV2_AWS_22"),
        on=frozenset({kinds.LOGIN}),
        check=no_console_login,
    ),
    ResourceRule(
        id="no-other-people",
        why="People and other identities are the account's matter, not the sandbox's.",
        fix="Remove it, or manage it in the stack that manages the account.",
        on=EVERY,
        check=no_groups_of_people,
    ),
    ResourceRule(
        id="only-the-manager",
        why="Every further user is a further key to lose.",
        fix="Use the manager, or a role.",
        references=("CKV_AWS_273",),
        takes=("manager_identity",),
        on=frozenset({kinds.USER}),
        check=only_the_manager,
    ),
    StackRule(
        id="one-access-key",
        why="A second active key is one that nobody rotates.",
        fix="Remove the old key, or set it to Inactive; while rotating, raise access_keys to 2.",
        references=("CIS 1.12",),
        takes=("access_keys",),
        check=one_access_key,
    ),
    StackRule(
        id="access-key-age",
        why="The longer a key lives, the more places hold a copy of it.",
        fix="Rotate it: `sandbox keys rotate`.",
        level=Level.ADVISORY,  # an update is no better for being stopped, and a rotation is one
        references=("CIS 1.13", "FSBP IAM.3"),
        takes=("max_key_age_days",),
        check=access_key_age,
    ),
    ResourceRule(
        id="trust-is-narrow",
        why="Whoever may take a role has everything that it may do.",
        fix="Trust ec2.amazonaws.com for the instances' role, and what infra/permissions/trust.py"
        " says for the others.",
        references=("CKV_AWS_60", "CKV_AWS_61"),
        takes=("manager_identity",),
        on=frozenset({kinds.ROLE}),
        check=trust_is_narrow,
    ),
    ResourceRule(
        id="boundary-present",
        why="A boundary keeps an identity small whatever somebody attaches to it later.",
        fix="Set permissionsBoundary to the identity's own boundary.",
        on=frozenset({kinds.ROLE, kinds.USER}),
        check=boundary_present,
    ),
    StackRule(
        id="boundary-is-its-own",
        why="Under the other one's boundary an identity may do the other one's work.",
        fix="Set permissionsBoundary to the identity's own boundary.",
        check=boundary_is_wired,
    ),
    StackRule(
        id="boundary-is-no-grant",
        why="A boundary allows its actions on everything; attached as a policy it grants that.",
        fix="Attach the identity's policy instead.",
        check=boundary_is_no_grant,
    ),
    StackRule(
        id="policies-stay-with-their-identity",
        why="A sandbox with the manager's policy launches sandboxes.",
        fix="Attach each policy to its own identity only.",
        check=policies_stay_with_their_identity,
    ),
    StackRule(
        id="profile-holds-instance-role",
        why="The profile is the mark of a sandbox; another role in it is another sandbox.",
        fix=f"Put {names.INSTANCE_ROLE} into {names.INSTANCE_PROFILE}.",
        check=profile_holds_instance_role,
    ),
)
