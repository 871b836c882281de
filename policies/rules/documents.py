"""Permission documents: every grant is narrow, and each launch and write keeps its conditions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from infra import catalogue, names
from policies.config import Parameters
from policies.document import DocumentError, Statement, is_read, parse, service
from policies.rule import (
    Finding,
    Resource,
    ResourceCheck,
    ResourceRule,
    Rule,
    decide_each,
    elements,
    given,
    text,
)
from policies.show import show

DOCUMENT_TYPES: Final = frozenset(
    {catalogue.POLICY.name, catalogue.ROLE_POLICY.name, catalogue.ROLE.name}
)
"""Types whose properties hold permission documents."""
POLICY_TYPES: Final = frozenset({catalogue.POLICY.name})
BOUNDARIES: Final = (
    names.MANAGER_BOUNDARY,
    names.INSTANCE_BOUNDARY,
    names.FLOW_LOGS_BOUNDARY,
    names.BUDGET_BOUNDARY,
)
FACTS: Final = frozenset({"ce", "cloudwatch", "pricing", "servicequotas", "sts"})
"""Services that the manager reads and cannot change."""
SERVICES: Final[Mapping[str, frozenset[str]]] = {
    names.MANAGER_POLICY: frozenset({"ec2", "iam", *FACTS}),
    names.MANAGER_BOUNDARY: frozenset({"ec2", "iam", "kms", *FACTS}),
    names.INSTANCE_POLICY: frozenset({"s3", "ecr", "logs"}),
    names.INSTANCE_BOUNDARY: frozenset({"s3", "ecr", "logs", "kms", "sts"}),
    names.FLOW_LOGS: frozenset({"logs"}),
    names.FLOW_LOGS_BOUNDARY: frozenset({"logs"}),
    names.BUDGET_BOUNDARY: frozenset({"iam"}),
}
"""The services of each policy, by the start of its name: a long policy is split and numbered."""
PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action
RUN: Final = "ec2:RunInstances"
CONTROL: Final = tuple(f"ec2:{verb}Instances" for verb in ("Start", "Stop", "Reboot", "Terminate"))
DANGEROUS: Final = (
    "ec2:AssociateIamInstanceProfile",
    "ec2:AttachVolume",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateRoute",
    "ec2:CreateVpcPeeringConnection",
    "ec2:DeleteTags",
    "ec2:ModifyImageAttribute",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:RequestSpotInstances",
)
"""Calls that change the tags or the profile of a sandbox, or lead out of its network."""

StatementCheck = Callable[[Statement], Iterator[Finding]]


def documents(resource: Resource) -> Iterator[tuple[str, Callable[[], object]]]:
    """The permission documents of a resource: the property, and the text behind a call."""
    props = resource.props
    if resource.resource_type != catalogue.ROLE.name:
        yield "policy", lambda: given(props, "policy")
        return
    for inline in elements(props, "inlinePolicies"):
        yield "inlinePolicies.policy", lambda inline=inline: given(inline(), "policy")


def _check_statements(resource: Resource, check: StatementCheck) -> Iterator[Finding]:
    def read(document: tuple[str, Callable[[], object]]) -> Iterator[Finding]:
        key, content = document
        raw = content()
        if raw is None:
            return
        try:
            statements = parse(raw)
        except DocumentError as error:
            yield Finding(property=key, problem=str(error))
            return
        for statement in statements:
            for finding in check(statement):
                yield Finding(
                    property=f"{key}: {statement.name}",
                    value=finding.value,
                    problem=finding.problem,
                )

    yield from decide_each(documents(resource), read)


def _check_grants(resource: Resource, check: StatementCheck) -> Iterator[Finding]:
    """Check the statements, except of a boundary: it grants nothing, so it need not be narrow."""
    if not _is_boundary(resource):
        yield from _check_statements(resource, check)


def _is_boundary(resource: Resource) -> bool:
    is_policy = resource.resource_type == catalogue.POLICY.name
    return is_policy and text(resource.props, "name") in BOUNDARIES


def no_wildcard_actions(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        if not statement.allows:
            return
        for action in statement.actions:
            verb = action.partition(":")[2]
            if "*" in action and not (is_read(action) and verb.strip("*") and ":" in action):
                yield Finding(value=show(action), problem="allows actions that nobody listed")
        if statement.not_actions:
            yield Finding(value="NotAction", problem="allows everything except a list")

    yield from _check_statements(resource, check)


def no_iam_changes(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        for action in statement.actions:
            of_identities = service(action) in {"iam", "organizations", "sts", "sso"}
            if statement.allows and of_identities and action != PASS_ROLE and not is_read(action):
                yield Finding(value=show(action), problem="changes or takes over an identity")

    yield from _check_statements(resource, check)


def services_as_declared(resource: Resource, _: Parameters) -> Iterator[Finding]:
    name = text(resource.props, "name")
    declared = next((SERVICES[policy] for policy in SERVICES if _is_part(name, policy)), None)
    if declared is None:
        problem = "is not a policy whose services this pack knows"
        yield Finding(property="name", problem=problem)
        return

    def check(statement: Statement) -> Iterator[Finding]:
        for action in statement.actions if statement.allows else ():
            if service(action) not in declared:
                problem = f"is not an action of {', '.join(sorted(declared))}"
                yield Finding(value=show(action), problem=problem)

    yield from _check_statements(resource, check)


def _is_part(name: str, policy: str) -> bool:
    """Whether *name* is the policy's name, alone or with the number of a part."""
    rest = name.removeprefix(policy)
    return name.startswith(policy) and (not rest or rest.lstrip("-").isdigit())


def pass_role_scoped(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        if not statement.grants(PASS_ROLE):
            return
        for arn in statement.resources or ("*",):
            if not arn.endswith(f":role/{names.INSTANCE_ROLE}"):
                yield Finding(value=show(arn), problem=f"is not {names.INSTANCE_ROLE}")
        if set(statement.values("iam:PassedToService")) != {"ec2.amazonaws.com"}:
            yield Finding(value=PASS_ROLE, problem="is not limited to ec2.amazonaws.com")

    yield from _check_grants(resource, check)


def writes_scoped(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        everywhere = statement.not_resources or any(
            arn.split(":", maxsplit=5)[-1] == "*" for arn in statement.resources
        )
        if statement.allows and everywhere and statement.unconditioned:
            for action in statement.actions:
                if not is_read(action):
                    problem = "writes to every resource, without a condition"
                    yield Finding(value=show(action), problem=problem)

    yield from _check_grants(resource, check)


def _launch_requires(key: str, *kinds: str, value: str = "") -> ResourceCheck:
    """A check that launches with these kinds of EC2 resources require *key*, or its one *value*."""

    def check_resource(resource: Resource, _: Parameters) -> Iterator[Finding]:
        def check(statement: Statement) -> Iterator[Finding]:
            required = set(statement.values(key)) == {value} if value else statement.requires(key)
            for kind in kinds:
                if statement.grants(RUN) and statement.reaches_kind(kind) and not required:
                    condition = f"{key} = {value}" if value else key
                    yield Finding(value=RUN, problem=f"on {kind}: does not require {condition}")

        yield from _check_grants(resource, check)

    return check_resource


def launch_project_images_only(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        if not statement.grants(RUN):
            return
        listed = all("/ami-" in arn for arn in statement.resources)
        owned = statement.requires("ec2:Owner") and statement.requires("aws:ResourceTag/Purpose")
        if statement.reaches_kind("image") and not listed and not owned:
            problem = "on image: does not require ec2:Owner and aws:ResourceTag/Purpose"
            yield Finding(value=RUN, problem=problem)
        for kind in ("snapshot", "launch-template"):
            if statement.reaches_kind(kind):
                problem = f"on {kind}: lets other data of the account into a sandbox"
                yield Finding(value=RUN, problem=problem)

    yield from _check_grants(resource, check)


def control_sandbox_instances_only(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        for action in CONTROL:
            if statement.grants(action) and not statement.requires("ec2:InstanceProfile"):
                yield Finding(value=action, problem="reaches instances that are not sandboxes")

    yield from _check_grants(resource, check)


def tags_immutable(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        for action in DANGEROUS:
            if statement.grants(action):
                problem = "changes the identity or the network of an instance"
                yield Finding(value=action, problem=problem)
        at_launch = set(statement.values("ec2:CreateAction")) == {"RunInstances"}
        if statement.grants("ec2:CreateTags") and not at_launch and not _is_boundary(resource):
            yield Finding(value="ec2:CreateTags", problem="changes tags after the launch")

    yield from _check_statements(resource, check)


def buckets_in_own_account(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(statement: Statement) -> Iterator[Finding]:
        keys = ("s3:ResourceAccount", "aws:ResourceAccount")
        for action in statement.actions if statement.allows else ():
            if service(action) == "s3" and not any(statement.requires(key) for key in keys):
                problem = "reaches a bucket of another account that has the same name"
                yield Finding(value=show(action), problem=problem)

    yield from _check_grants(resource, check)


def boundary_explicit_deny(resource: Resource, _: Parameters) -> Iterator[Finding]:
    if not _is_boundary(resource):
        return
    try:
        statements = parse(given(resource.props, "policy"))
    except DocumentError:
        return  # other rules report it
    if not any(
        statement.not_actions
        and not statement.allows
        and statement.resources == ("*",)
        and statement.unconditioned
        for statement in statements
    ):
        problem = "has no Deny of all actions outside its list"
        yield Finding(property="policy", value="Deny NotAction", problem=problem)


def _rule(
    id: str,  # noqa: A002 - the field's name
    why: str,
    fix: str,
    check: ResourceCheck,
    *references: str,
    types: frozenset[str] = DOCUMENT_TYPES,
) -> ResourceRule:
    return ResourceRule(id=id, why=why, fix=fix, check=check, references=references, types=types)


RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "no-wildcard-actions",
        "A wildcard also allows the actions that AWS adds tomorrow.",
        "List the actions; use a wildcard only after Describe, Get or List.",
        no_wildcard_actions,
        *("CIS 1.15", "FSBP IAM.1", "FSBP IAM.21"),
    ),
    _rule(
        "no-iam-changes",
        "An identity that can change IAM can give itself every right.",
        "Remove the action; only this program changes identities.",
        no_iam_changes,
        "CIS 1.15",
    ),
    _rule(
        "services-as-declared",
        "docs/permissions.md promises which services each identity can use.",
        "Remove the action, or declare its service in policies/rules/documents.py.",
        services_as_declared,
        types=POLICY_TYPES,
    ),
    _rule(
        "pass-role-scoped",
        "An identity that can pass another role gets the rights of that role.",
        f"Allow iam:PassRole on {names.INSTANCE_ROLE} only, with iam:PassedToService.",
        pass_role_scoped,
    ),
    _rule(
        "writes-scoped",
        "A write to every resource of the account reaches production.",
        "Name the resources, or add a condition that only sandboxes meet.",
        writes_scoped,
    ),
    _rule(
        "launch-carries-user-id",
        "Without the tag nobody knows whose money an instance spends.",
        f"Require aws:RequestTag/{names.USER_TAG} on instance/* and volume/*.",
        _launch_requires(f"aws:RequestTag/{names.USER_TAG}", "instance", "volume"),
    ),
    _rule(
        "launch-with-profile",
        "The instance profile is the only mark of a sandbox that nobody can forge.",
        "Require ec2:InstanceProfile on instance/*.",
        _launch_requires("ec2:InstanceProfile", "instance"),
    ),
    _rule(
        "launch-in-vpc",
        "If a request names no subnet, EC2 uses the default VPC.",
        "Require ec2:Vpc on subnets, security groups and interfaces.",
        _launch_requires("ec2:Vpc", "subnet", "security-group", "network-interface"),
    ),
    _rule(
        "launch-imdsv2",
        "IMDSv1 gives the credentials of the role to any forged request.",
        "Require ec2:MetadataHttpTokens = required on instance/*.",
        _launch_requires("ec2:MetadataHttpTokens", "instance", value="required"),
        *("CIS 5.7", "FSBP EC2.8"),
    ),
    _rule(
        "launch-encrypted",
        "Everyone who gets a snapshot of an unencrypted volume can read it.",
        "Require ec2:Encrypted = true on volume/*.",
        _launch_requires("ec2:Encrypted", "volume", value="true"),
        "FSBP EC2.3",
    ),
    _rule(
        "launch-project-images-only",
        "An unknown image runs unknown code, and a snapshot brings other data into a sandbox.",
        "Require ec2:Owner and aws:ResourceTag/Purpose on image/*; do not allow snapshot/*.",
        launch_project_images_only,
    ),
    _rule(
        "control-sandbox-instances-only",
        "The manager must not stop or terminate instances that are not sandboxes.",
        "Require ec2:InstanceProfile; these calls do not support ec2:Vpc.",
        control_sandbox_instances_only,
    ),
    _rule(
        "tags-immutable",
        "Tags and profile identify a sandbox: whoever changes them can take over any instance.",
        "Allow ec2:CreateTags only with ec2:CreateAction = RunInstances, and remove such calls.",
        tags_immutable,
    ),
    _rule(
        "buckets-in-own-account",
        "Bucket names are global, so a name alone can mean a bucket of another account.",
        "Require s3:ResourceAccount.",
        buckets_in_own_account,
    ),
    _rule(
        "boundary-explicit-deny",
        "The policy of a bucket or key can grant more than a boundary allows, unless it denies.",
        "Keep the Deny with NotAction on all resources.",
        boundary_explicit_deny,
        types=POLICY_TYPES,
    ),
)
