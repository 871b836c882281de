"""What identities are allowed: every grant is narrow, and is the one that was meant."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from infra import names
from policies import resource_types as kinds
from policies.config import Parameters
from policies.document import DocumentError, Statement, is_read, parse, service
from policies.rule import Finding, Resource, ResourceRule, Rule, decide_each, elements, given, text
from policies.show import show

HOLDERS: Final = frozenset(
    {kinds.POLICY, kinds.ROLE_POLICY, kinds.USER_POLICY, kinds.GROUP_POLICY, kinds.ROLE}
)
"""Types whose properties hold permission documents."""
BOUNDARIES: Final = (names.MANAGER_BOUNDARY, names.INSTANCE_BOUNDARY)
SERVICES: Final[Mapping[str, frozenset[str]]] = {
    names.MANAGER_POLICY: frozenset({"ec2", "iam", "ce", "cloudwatch"}),
    names.MANAGER_BOUNDARY: frozenset({"ec2", "iam", "ce", "cloudwatch", "kms", "sts"}),
    names.INSTANCE_POLICY: frozenset({"s3", "ecr", "logs"}),
    names.INSTANCE_BOUNDARY: frozenset({"s3", "ecr", "logs", "kms", "sts"}),
    names.FLOW_LOGS: frozenset({"logs"}),
}
"""The services of each policy, by the beginning of its name (a long one is split and numbered)."""
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
"""Calls that get round the marks by which a sandbox is known, or out of its network."""

StatementCheck = Callable[[Statement], Iterator[Finding]]


def documents(resource: Resource) -> Iterator[tuple[str, Callable[[], object]]]:
    """The permission documents of a resource: the property, and the text behind a call."""
    props = resource.props
    if resource.resource_type != kinds.ROLE:
        yield "policy", lambda: given(props, "policy")
        return
    for inline in elements(props, "inlinePolicies"):
        yield "inlinePolicies.policy", lambda inline=inline: given(inline(), "policy")


def _statements(resource: Resource, check: StatementCheck) -> Iterator[Finding]:
    def read(document: tuple[str, Callable[[], object]]) -> Iterator[Finding]:
        at, content = document
        raw = content()
        if raw is None:
            return
        try:
            statements = parse(raw)
        except DocumentError as error:
            yield Finding(at=at, wrong=str(error))
            return
        for statement in statements:
            for one in check(statement):
                place = f"{at}: {statement.name}"
                yield Finding(at=place, value=one.value, wrong=one.wrong, fix=one.fix)

    yield from decide_each(documents(resource), read)


def _is_boundary(resource: Resource) -> bool:
    """Boundaries grant nothing by themselves, so what they allow need not be narrow."""
    return resource.resource_type == kinds.POLICY and text(resource.props, "name") in BOUNDARIES


def no_wildcard_actions(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        if not one.allows:
            return
        for action in one.actions:
            verb = action.partition(":")[2]
            if "*" in action and not (is_read(action) and verb.strip("*") and ":" in action):
                yield Finding(value=show(action), wrong="allows actions that nobody listed")
        if one.not_actions:
            yield Finding(value="NotAction", wrong="allows everything but a list")

    yield from _statements(resource, check)


def no_iam_changes(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        for action in one.actions:
            changes = service(action) in {"iam", "organizations", "sts", "sso"}
            if one.allows and changes and action != PASS_ROLE and not is_read(action):
                yield Finding(value=show(action), wrong="changes who may do what")

    yield from _statements(resource, check)


def services_as_declared(resource: Resource, _: Parameters) -> Iterator[Finding]:
    name = text(resource.props, "name")
    declared = next((SERVICES[one] for one in SERVICES if _is_part(name, one)), None)
    if declared is None:
        yield Finding(at="name", wrong="is no policy that this pack knows the services of")
        return

    def check(one: Statement) -> Iterator[Finding]:
        for action in one.actions if one.allows else ():
            if service(action) not in declared:
                wrong = f"is not of {', '.join(sorted(declared))}"
                yield Finding(value=show(action), wrong=wrong)

    yield from _statements(resource, check)


def _is_part(name: str, of: str) -> bool:
    rest = name.removeprefix(of)
    return name.startswith(of) and (not rest or rest.lstrip("-").isdigit())


def pass_role_scoped(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        if not one.grants(PASS_ROLE):
            return
        for arn in one.resources or ("*",):
            if not arn.endswith(f":role/{names.INSTANCE_ROLE}"):
                wrong = f"passes another role than {names.INSTANCE_ROLE}"
                yield Finding(value=show(arn), wrong=wrong)
        if set(one.values("iam:PassedToService")) != {"ec2.amazonaws.com"}:
            yield Finding(value=PASS_ROLE, wrong="is not limited to ec2.amazonaws.com")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def writes_scoped(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        everywhere = one.not_resources or any(
            arn.split(":", maxsplit=5)[-1] == "*" for arn in one.resources
        )
        if one.allows and everywhere and one.unconditioned:
            for action in one.actions:
                if not is_read(action):
                    yield Finding(value=show(action), wrong="writes to everything, on no condition")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def _launches(resource: Resource, kinds_of: tuple[str, ...], key: str) -> Iterator[Finding]:
    """Findings where a launch is allowed on these kinds of resource without *key*."""

    def check(one: Statement) -> Iterator[Finding]:
        if not one.grants(RUN) or one.requires(key):
            return
        for kind in kinds_of:
            if one.reaches_kind(kind):
                yield Finding(value=RUN, wrong=f"on {kind}: does not require {key}")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def launch_carries_user(resource: Resource, _: Parameters) -> Iterator[Finding]:
    key = f"aws:RequestTag/{names.USER_TAG}"
    yield from _launches(resource, ("instance", "volume"), key)


def launch_with_profile(resource: Resource, _: Parameters) -> Iterator[Finding]:
    yield from _launches(resource, ("instance",), "ec2:InstanceProfile")


def launch_in_vpc(resource: Resource, _: Parameters) -> Iterator[Finding]:
    yield from _launches(resource, ("subnet", "security-group", "network-interface"), "ec2:Vpc")


def launch_imdsv2(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        tokens = set(one.values("ec2:MetadataHttpTokens"))
        if one.grants(RUN) and one.reaches_kind("instance") and tokens != {"required"}:
            yield Finding(value=RUN, wrong="allows metadata without a token")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def launch_encrypted(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        encrypted = set(one.values("ec2:Encrypted"))
        if one.grants(RUN) and one.reaches_kind("volume") and encrypted != {"true"}:
            yield Finding(value=RUN, wrong="allows volumes that are not encrypted")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def launch_own_images(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        if not one.grants(RUN):
            return
        named = all("/ami-" in arn for arn in one.resources)
        owned = one.requires("ec2:Owner") and one.requires("aws:ResourceTag/Purpose")
        if one.reaches_kind("image") and not named and not owned:
            yield Finding(value=RUN, wrong="on image: requires neither owner nor purpose")
        for kind in ("snapshot", "launch-template"):
            if one.reaches_kind(kind):
                yield Finding(value=RUN, wrong=f"on {kind}: brings in other data of the account")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def control_own_instances(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        for action in CONTROL:
            if one.grants(action) and not one.requires("ec2:InstanceProfile"):
                yield Finding(value=action, wrong="reaches instances that are no sandboxes")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def tags_stay(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        for action in DANGEROUS:
            if one.grants(action):
                yield Finding(value=action, wrong="gets round what a sandbox is known by")
        at_launch = set(one.values("ec2:CreateAction")) == {"RunInstances"}
        if one.grants("ec2:CreateTags") and not at_launch and not _is_boundary(resource):
            yield Finding(value="ec2:CreateTags", wrong="changes tags of what exists")

    yield from _statements(resource, check)


def buckets_of_own_account(resource: Resource, _: Parameters) -> Iterator[Finding]:
    def check(one: Statement) -> Iterator[Finding]:
        keys = ("s3:ResourceAccount", "aws:ResourceAccount")
        for action in one.actions if one.allows else ():
            if service(action) == "s3" and not any(one.requires(key) for key in keys):
                yield Finding(value=show(action), wrong="reaches a stranger's bucket of that name")

    if not _is_boundary(resource):
        yield from _statements(resource, check)


def boundary_denies_the_rest(resource: Resource, _: Parameters) -> Iterator[Finding]:
    if not _is_boundary(resource):
        return
    try:
        statements = parse(given(resource.props, "policy"))
    except DocumentError:
        return  # other rules say so
    if not any(
        one.not_actions and not one.allows and one.resources == ("*",) and one.unconditioned
        for one in statements
    ):
        wrong = "has no Deny of everything but its list"
        yield Finding(at="policy", value="Deny NotAction", wrong=wrong)


def _rule(
    id: str,  # noqa: A002 - the table's word
    why: str,
    fix: str,
    check: Callable[[Resource, Parameters], Iterator[Finding]],
    *references: str,
    on: frozenset[str] = HOLDERS,
) -> ResourceRule:
    return ResourceRule(id=id, why=why, fix=fix, check=check, references=references, on=on)


POLICIES: Final = frozenset({kinds.POLICY})
RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "no-wildcard-actions",
        "A wildcard also allows what AWS adds tomorrow.",
        "List the actions; a wildcard may stand only behind Describe, Get or List.",
        no_wildcard_actions,
        *("CIS 1.15", "FSBP IAM.1", "FSBP IAM.21"),
        *("CKV_AWS_62", "CKV_AWS_63", "CKV2_AWS_40"),
    ),
    _rule(
        "no-iam-changes",
        "Who may change IAM may do everything.",
        "Remove the action; identities are changed only by this program.",
        no_iam_changes,
        *("CIS 1.15", "CKV_AWS_286", "CKV2_AWS_40"),
    ),
    _rule(
        "services-as-declared",
        "The README promises which services each identity can use.",
        "Remove the action, or declare the service in policies/rules/documents.py and the README.",
        services_as_declared,
        on=POLICIES,
    ),
    _rule(
        "pass-role-scoped",
        "Who passes another role, or to another service, has that role's rights.",
        f"Allow iam:PassRole on {names.INSTANCE_ROLE} only, with iam:PassedToService.",
        pass_role_scoped,
        "CKV_AWS_355",
    ),
    _rule(
        "writes-scoped",
        "A write to everything reaches production.",
        "Name the resources, or add a condition that holds only for sandboxes.",
        writes_scoped,
        *("CKV_AWS_289", "CKV_AWS_290", "CKV_AWS_355"),
    ),
    _rule(
        "launch-carries-user-id",
        "Without the tag nobody can say whose money an instance spends.",
        f"Require aws:RequestTag/{names.USER_TAG} on instance/* and volume/*.",
        launch_carries_user,
    ),
    _rule(
        "launch-with-profile",
        "The instance profile is the one mark of a sandbox that cannot be forged.",
        "Require ec2:InstanceProfile on instance/*.",
        launch_with_profile,
    ),
    _rule(
        "launch-in-vpc",
        "Without a subnet in the request EC2 takes the default VPC.",
        "Require ec2:Vpc on subnets, security groups and interfaces.",
        launch_in_vpc,
    ),
    _rule(
        "launch-imdsv2",
        "Metadata without a token hands the role's credentials to any forged request.",
        "Require ec2:MetadataHttpTokens = required on instance/*.",
        launch_imdsv2,
        *("CIS 5.7", "FSBP EC2.8", "CKV_AWS_79"),
    ),
    _rule(
        "launch-encrypted",
        "A volume that is not encrypted can be read by who gets its snapshot.",
        "Require ec2:Encrypted = true on volume/*.",
        launch_encrypted,
        *("FSBP EC2.3", "CKV_AWS_8"),
    ),
    _rule(
        "launch-own-images",
        "A stranger's image runs a stranger's code; a snapshot brings in other data.",
        "Require ec2:Owner and aws:ResourceTag/Purpose on image/*, and allow no snapshot/*.",
        launch_own_images,
    ),
    _rule(
        "control-own-instances",
        "The manager must not stop or terminate an instance that is no sandbox.",
        "Require ec2:InstanceProfile; ec2:Vpc is no key of these calls.",
        control_own_instances,
    ),
    _rule(
        "marks-stay",
        "A sandbox is known by its tags and profile; who can change them owns any instance.",
        "Allow ec2:CreateTags only with ec2:CreateAction = RunInstances, and none of these calls.",
        tags_stay,
    ),
    _rule(
        "buckets-of-own-account",
        "Bucket names are global, so a name alone can be a stranger's bucket.",
        "Require s3:ResourceAccount.",
        buckets_of_own_account,
    ),
    _rule(
        "boundary-denies-the-rest",
        "A boundary's silence does not stop a bucket's or key's own policy; a Deny does.",
        "Keep the Deny with NotAction on all resources.",
        boundary_denies_the_rest,
        on=POLICIES,
    ),
)
