"""The stack's shape: names, components, protection, region, and only what was looked at."""

from collections.abc import Iterator
from typing import Final

from infra import names
from policies import resource_types as kinds
from policies.config import Parameters
from policies.exemptions import expired
from policies.rule import (
    EVERY,
    Finding,
    Props,
    Resource,
    ResourceRule,
    Rule,
    Stack,
    StackRule,
    decide_each,
    given,
    text,
)
from policies.show import show

PROTECTED_NAMES: Final = frozenset({names.MANAGER, names.INSTANCE_ROLE})
PROTECTED: Final = frozenset({kinds.VPC, kinds.USER, kinds.ROLE, kinds.PROFILE})
HIDING: Final = frozenset(
    {
        "assumeRolePolicy",
        "cidrBlock",
        "cidrIpv4",
        "cidrIpv6",
        "egress",
        "fromPort",
        "ingress",
        "ipProtocol",
        "permissionsBoundary",
        "policy",
        "policyArn",
        "tags",
        "tagsAll",
        "toPort",
        "*",
    }
)
"""Properties whose drift has to show."""


def names_as_expected(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    manager = kinds.USER if parameters.manager_identity == "user" else kinds.ROLE
    expected = (
        (kinds.VPC, "Name tag", names.VPC),
        (kinds.GROUP, "name", names.SECURITY_GROUP),
        (manager, "name", names.MANAGER),
        (kinds.POLICY, "name", names.MANAGER_BOUNDARY),
        (kinds.ROLE, "name", names.INSTANCE_ROLE),
        (kinds.POLICY, "name", names.INSTANCE_BOUNDARY),
        (kinds.PROFILE, "name", names.INSTANCE_PROFILE),
    )

    def check(one: tuple[str, str, str]) -> Iterator[Finding]:
        kind, at, name = one
        if name not in {_name(resource.props, at) for resource in stack.of(kind)}:
            yield Finding(at=at, wrong=f"no {kind} is called {name}")

    yield from decide_each(expected, check)


def _name(props: Props, at: str) -> str:
    if at == "name":
        return text(props, "name")
    return text(given(props, "tags") or {}, "Name")


def inside_a_component(resource: Resource, _: Parameters) -> Iterator[Finding]:
    if not kinds.is_aws(resource.resource_type):
        return
    chain = resource.urn.split("::")[2].split("$")[:-1]
    if not any(not kinds.is_aws(one) and one != kinds.STACK for one in chain):
        yield Finding(wrong="stands directly in the stack")


def protected_in_production(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    if parameters.stack not in parameters.production_stacks or resource.opts.protect:
        return
    is_role = resource.resource_type == kinds.ROLE
    if is_role and text(resource.props, "name") not in PROTECTED_NAMES:
        return
    yield Finding(at="protect", value="false", wrong="one command can remove it")


def configured_region(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    if not kinds.is_aws(resource.resource_type):
        return
    provider = resource.provider
    regions = {"region": text(resource.props, "region")}
    if provider is not None:
        regions["provider's region"] = text(provider.props, "region") or "not set"
    zone = text(resource.props, "availabilityZone")
    if zone:
        regions["availabilityZone"] = zone.rstrip("abcdefghijklmnopqrstuvwxyz")
    for at, region in regions.items():
        if region and region != parameters.region:
            wrong = f"is not sandbox:region {parameters.region}"
            yield Finding(at=at, value=show(region), wrong=wrong)


def reviewed_types(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    kind = resource.resource_type
    if kinds.is_aws(kind) and kind not in kinds.TAGGABLE and kind not in parameters.other_types:
        yield Finding(wrong=f"{kind} is a type that no rule was written for")


def no_hidden_drift(resource: Resource, _: Parameters) -> Iterator[Finding]:
    for ignored in resource.opts.ignore_changes:
        if ignored.partition(".")[0].partition("[")[0] in HIDING:
            yield Finding(
                at="ignoreChanges", wrong="keeps a change of what isolates from being seen"
            )


def exemptions_current(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    del stack
    for one in expired(parameters.exemptions, parameters.today):
        wrong = f"exemption of {one.resource} from {one.rule} ended on {one.expires.isoformat()}"
        yield Finding(wrong=wrong)


RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="names-as-expected",
        why="The service finds everything by name, and the profile's name marks a sandbox.",
        fix="Keep the names of infra/names.py.",
        takes=("manager_identity",),
        check=names_as_expected,
    ),
    ResourceRule(
        id="inside-a-component",
        why="A resource outside the components is outside their tests and their review.",
        fix="Make it in a component of infra/, with parent=self.",
        on=EVERY,
        check=inside_a_component,
    ),
    ResourceRule(
        id="protected-in-production",
        why="Losing the VPC or an identity stops every sandbox, and its names are used elsewhere.",
        fix="Keep sandbox:protect true in the stack; to remove one on purpose, exempt it.",
        takes=("production_stacks",),
        on=PROTECTED,
        check=protected_in_production,
    ),
    ResourceRule(
        id="configured-region",
        why="In another region nobody looks, and the manager's permissions do not hold.",
        fix="Give it the program's provider; set sandbox:region to move the whole stack.",
        takes=("region",),
        on=EVERY,
        check=configured_region,
    ),
    ResourceRule(
        id="reviewed-types",
        why="What no rule was written for passes every rule.",
        fix="Write its rules and add it to policies/resource_types.py, or list it in other_types.",
        takes=("other_types",),
        on=EVERY,
        check=reviewed_types,
    ),
    ResourceRule(
        id="no-hidden-drift",
        why="An ignored property can be changed by hand, and no preview ever shows it.",
        fix="Remove the property from ignoreChanges.",
        on=EVERY,
        check=no_hidden_drift,
    ),
    StackRule(
        id="exemptions-current",
        why="An exemption is a decision for a time; after it, somebody has to decide again.",
        fix="Remove it from policies/exemptions.json, or renew it with a reason.",
        check=exemptions_current,
    ),
)
