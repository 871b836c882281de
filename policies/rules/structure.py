"""The structure of the stack: names, components, protection, region, and reviewed types only."""

from collections.abc import Iterator
from typing import Final

from infra import catalogue, names
from policies import properties, resource_types
from policies.config import Parameters
from policies.exemptions import expired
from policies.rule import (
    ALL_TYPES,
    CheckedResource,
    CheckedStack,
    Finding,
    Props,
    ResourceRule,
    Rule,
    StackRule,
    decide_each,
    given,
    text,
)
from policies.shown_values import show

PROTECTED_TYPES: Final = frozenset(
    {catalogue.VPC.name, catalogue.USER.name, catalogue.ROLE.name, catalogue.INSTANCE_PROFILE.name}
)
PROTECTED_ROLES: Final = frozenset({names.MANAGER, names.INSTANCE_ROLE})


def names_as_expected(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    is_user = parameters.manager_identity == "user"
    manager = catalogue.USER.name if is_user else catalogue.ROLE.name
    expected = (
        (catalogue.VPC.name, "Name tag", names.VPC),
        (catalogue.SECURITY_GROUP.name, "name", names.SECURITY_GROUP),
        (manager, "name", names.MANAGER),
        (catalogue.ROLE.name, "name", names.INSTANCE_ROLE),
        (catalogue.INSTANCE_PROFILE.name, "name", names.INSTANCE_PROFILE),
    )
    boundaries = (
        (catalogue.POLICY.name, "name", names.MANAGER_BOUNDARY),
        (catalogue.POLICY.name, "name", names.INSTANCE_BOUNDARY),
    )
    stop = (
        (catalogue.BUDGET.name, "name", names.BUDGET),
        (catalogue.BUDGET_ACTION.name, "budgetName", names.BUDGET),
        (catalogue.POLICY.name, "name", names.SPENDING_STOP),
    )

    def check(expectation: tuple[str, str, str]) -> Iterator[Finding]:
        resource_type, key, name = expectation
        if name not in {_name(resource.props, key) for resource in stack.of_type(resource_type)}:
            yield Finding(property=key, problem=f"is not {name} on any {resource_type}")

    expectations = (
        *expected,
        *(() if parameters.permissions_boundary else boundaries),
        *(stop if parameters.monthly_budget_usd else ()),
    )
    yield from decide_each(expectations, check)


def _name(props: Props, key: str) -> str:
    if key == "Name tag":
        return text(given(props, "tags") or {}, "Name")
    return text(props, key)


def inside_a_component(resource: CheckedResource, _: Parameters) -> Iterator[Finding]:
    if not resource_types.is_aws(resource.resource_type):
        return
    parents = resource.urn.split("::")[2].split("$")[:-1]
    if all(resource_types.is_aws(parent) or parent == resource_types.STACK for parent in parents):
        yield Finding(problem="is not inside a component")


def protected_in_production(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    if parameters.stack not in parameters.production_stacks or resource.opts.protect:
        return
    is_role = resource.resource_type == catalogue.ROLE.name
    if is_role and text(resource.props, "name") not in PROTECTED_ROLES:
        return
    yield Finding(property="protect", value="false", problem="lets one command delete it")


def configured_region(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    if not resource_types.is_aws(resource.resource_type):
        return
    provider = resource.provider
    regions = {"region": text(resource.props, "region")}
    if provider is not None:
        regions["provider's region"] = text(provider.props, "region") or "not set"
    zone = text(resource.props, "availabilityZone")
    if zone:
        regions["availabilityZone"] = zone.rstrip("abcdefghijklmnopqrstuvwxyz")
    for key, region in regions.items():
        if region and region != parameters.region:
            problem = f"is not sandbox:region {parameters.region}"
            yield Finding(property=key, value=show(region), problem=problem)


def no_ignored_changes(resource: CheckedResource, _: Parameters) -> Iterator[Finding]:
    for ignored in resource.opts.ignore_changes:
        if ignored not in properties.DRIFT_PROPERTIES:
            problem = "hides changes of a property that the rules judge"
            yield Finding(property="ignoreChanges", problem=problem)


def exemptions_current(_: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    for exemption in expired(parameters.exemptions, parameters.today):
        last_day = exemption.expires.isoformat()
        problem = f"the exemption of {exemption.resource} from {exemption.rule} ended on {last_day}"
        yield Finding(problem=problem)


RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="names-as-expected",
        why="The service finds everything by name, and the profile's name marks a sandbox.",
        fix="Keep the names of infra/names.py.",
        parameters=("manager_identity",),
        check=names_as_expected,
    ),
    ResourceRule(
        id="inside-a-component",
        why="A resource outside the components escapes their tests and their review.",
        fix="Create it in a component of infra/, with parent=self.",
        types=ALL_TYPES,
        check=inside_a_component,
    ),
    ResourceRule(
        id="protected-in-production",
        why="Without the VPC or an identity every sandbox stops, and others use their names.",
        fix="Keep sandbox:protect true in the stack; to delete one on purpose, exempt it.",
        parameters=("production_stacks",),
        types=PROTECTED_TYPES,
        check=protected_in_production,
    ),
    ResourceRule(
        id="configured-region",
        why="Nobody looks at other regions, and the manager's permissions do not apply there.",
        fix="Give it the program's provider; to move the whole stack, set sandbox:region.",
        parameters=("region",),
        types=ALL_TYPES,
        check=configured_region,
    ),
    ResourceRule(
        id="no-ignored-changes",
        why="Anyone can change an ignored property by hand, and no preview shows it.",
        fix="Remove the property from ignoreChanges.",
        types=ALL_TYPES,
        check=no_ignored_changes,
    ),
    StackRule(
        id="exemptions-current",
        why="An exemption is a decision for a limited time; after it somebody must decide again.",
        fix="Remove it from policies/exemptions.json, or renew it with a reason.",
        check=exemptions_current,
    ),
)
