"""The closed list: the types, providers, properties and references that this stack may hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from infra import catalogue, names
from policies import properties, resource_types
from policies.config import Parameters
from policies.exemptions import tail
from policies.properties import Judgement, Reference, Value, judgement
from policies.rule import (
    ALL_TYPES,
    CheckedResource,
    CheckedStack,
    Finding,
    ResourceRule,
    Rule,
    StackResource,
    StackRule,
    decide_each,
    given,
    is_set,
    is_unknown,
    names_one_of,
    references,
    refers_to,
    text,
)
from policies.shown_values import show

ATTACHMENTS: Final = {
    catalogue.ROLE_POLICY_ATTACHMENT.name: ("role", catalogue.ROLE.name),
    catalogue.USER_POLICY_ATTACHMENT.name: ("user", catalogue.USER.name),
}
"""The property that names the identity, and the identity's type."""
IDENTITY_KEYS: Final = ("role", "roles", "user", "users", "group", "groups")
NETWORK_KEYS: Final = {
    "securityGroupId": catalogue.SECURITY_GROUP.name,
    "routeTableId": catalogue.ROUTE_TABLE.name,
}
"""The property that names the group or the table, and its type."""
OWN_IDENTITIES: Final = (names.MANAGER, names.INSTANCE_ROLE, names.FLOW_LOGS, names.BUDGET)


def reviewed_types(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    kind = resource.resource_type
    if kind in catalogue.CATALOGUE or parameters.adds(resource.urn):
        return
    if resource_types.is_provider(kind) or resource_types.is_component(resource):
        return
    why = resource_types.why_refused(kind).removesuffix(".")
    yield Finding(problem=f"{kind} is not a resource type of this program. {why}")


def reviewed_providers(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    """Whether the resource is the program's provider, or is made by it."""
    kind = resource.resource_type
    if not resource_types.is_provider(kind):
        yield from _made_by(resource, parameters)
    elif kind == properties.PROVIDER and resource.name == properties.PROVIDER_NAME:
        yield from _program_provider(resource, parameters)
    elif kind != properties.BUILT_IN_PROVIDER and not parameters.adds(resource.urn):
        yield Finding(problem=f"{kind} is not the provider of this program")


def _program_provider(provider: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    for key in provider.props:
        if not key.startswith("__") and key not in properties.PROVIDER_PROPERTIES:
            problem = "can lead to another account, or hide changes"
            yield Finding(property=key, problem=problem)
    accepted = given(provider.props, "allowedAccountIds")
    accounts = json.loads(accepted) if isinstance(accepted, str) else accepted
    if parameters.account_id and plain(accounts) != [parameters.account_id]:
        yield Finding(property="allowedAccountIds", problem="is not sandbox:account_id alone")


def _made_by(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    provider = resource.provider
    if provider is None or (parameters.adds(provider.urn) and parameters.adds(resource.urn)):
        return
    kind, _, name = tail(provider.urn).partition("::")
    if (kind, name) == (properties.PROVIDER, properties.PROVIDER_NAME):
        return
    if kind == properties.BUILT_IN_PROVIDER and resource.resource_type == catalogue.STASH.name:
        return
    if not resource_types.is_aws(resource.resource_type) and parameters.adds(resource.urn):
        return
    yield Finding(problem="is not made by the program's provider")


def properties_as_declared(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    listed = properties.PROPERTIES.get(resource.resource_type, {})

    def check(key: str) -> Iterator[Finding]:
        judged = judgement(resource.resource_type, key)
        if judged is None and is_unknown(resource.props, key):
            judged_value: Any = "unknown"
        elif isinstance(judged, Value) or judged is None:
            judged_value = plain(given(resource.props, key))
        else:
            return
        if is_set(judged_value):
            yield from _value_findings(key, judged, judged_value, parameters)

    yield from decide_each([key for key in resource.props if not key.startswith("__")], check)
    for key, judged in listed.items():
        if isinstance(judged, Value | Reference) and judged.required and _is_missing(resource, key):
            yield Finding(property=key, value="not set", problem="is required")


def _value_findings(
    key: str, judged: Judgement | None, value: object, parameters: Parameters
) -> Iterator[Finding]:
    if judged is None:
        problem = "is not a property that this program sets"
        fix = f"Remove it, or add it with its judgement to {properties.FILE}."
        yield Finding(property=key, value="set", problem=problem, fix=fix)
    elif isinstance(judged, Value) and not judged.accepts(value, parameters):
        yield Finding(property=key, value=show(value), problem=judged.problem, fix=judged.why)


def _is_missing(resource: CheckedResource, key: str) -> bool:
    return not is_unknown(resource.props, key) and not is_set(given(resource.props, key))


def plain(value: Any) -> Any:  # noqa: ANN401 - any property
    """The value without proxies and without the provider's own keys.

    Raises:
        UnknownValueError: a part of it is unknown.
    """
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return {key: plain(held[key]) for key in held if not key.startswith("__")}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[Any]", value)
        return [plain(items[index]) for index in range(len(items))]
    return value


def references_in_stack(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    def check(resource: StackResource) -> Iterator[Finding]:
        for key, judged in properties.PROPERTIES[resource.resource_type].items():
            if isinstance(judged, Reference) and not all(
                names_one_of(resource, key, value, _targets(stack, judged), judged.key)
                for value in references(resource.props, key)
            ):
                named = f" named {' or '.join(judged.names)}" if judged.names else ""
                kind = judged.type.rpartition(":")[2]
                problem = f"is not a {kind}{named} of this stack"
                yield Finding(resource=resource, property=key, problem=problem)

    yield from decide_each(stack.of_type(*properties.PROPERTIES), check)


def _targets(stack: CheckedStack, reference: Reference) -> list[StackResource]:
    return [
        target
        for target in stack.of_type(reference.type)
        if reference.accepts_name(text(target.props, "name"))
    ]


def attachments_between_own(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    def check(attachment: StackResource) -> Iterator[Finding]:
        key, identity_type = ATTACHMENTS[attachment.resource_type]
        identities = stack.of_type(identity_type)
        policies = stack.of_type(catalogue.POLICY.name)
        pairs = {
            (text(identity.props, "name"), text(policy.props, "name"))
            for identity in identities
            if refers_to(attachment, key, identity, "name")
            for policy in policies
            if refers_to(attachment, "policyArn", policy, "arn")
        }
        if not any(_belong_together(*pair) for pair in pairs):
            problem = "does not attach a policy of this stack to its own identity"
            yield Finding(resource=attachment, problem=problem)

    yield from decide_each(stack.of_type(*ATTACHMENTS), check)


def _belong_together(identity: str, policy: str) -> bool:
    attached = properties.ATTACHED.get(identity)
    return attached is not None and properties.is_part(policy, attached)


def additions_stay_apart(addition: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    """No addition attaches something to an identity of the program, or has its name."""
    if not parameters.adds(addition.urn) or not addition.resource_type.startswith("aws:iam/"):
        return
    for key in (*IDENTITY_KEYS, "name"):
        values = list(references(addition.props, key))
        if any(value in OWN_IDENTITIES for value in values):
            yield Finding(property=key, problem="is an identity of the program")
        elif None in values:
            given(addition.props, key)  # undecided


def additions_open_nothing(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    """No addition adds a rule to the program's group, or a route to its table."""

    def check(addition: StackResource) -> Iterator[Finding]:
        for key, kind in NETWORK_KEYS.items():
            targets = stack.of_type(kind)
            for value in references(addition.props, key):
                if names_one_of(addition, key, value, targets):
                    yield Finding(resource=addition, property=key, problem="is of the program")
                elif value is not None:
                    for target in targets:
                        given(target.props, "id")  # undecided as long as it is unknown

    yield from decide_each(stack.additions, check)


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="reviewed-types",
        why="A type without rules would pass every rule.",
        fix="Remove it; or add its type to infra/catalogue.py and write rules for it; or list it in"
        " policies/additions.json.",
        types=ALL_TYPES,
        check=reviewed_types,
    ),
    ResourceRule(
        id="reviewed-providers",
        why="Another provider can reach another account, or run any command.",
        fix="Use the program's provider; or list the provider in policies/additions.json.",
        types=ALL_TYPES,
        check=reviewed_providers,
    ),
    ResourceRule(
        id="properties-as-declared",
        why="A property that no rule knows could open the sandbox.",
        fix=f"Keep the values of {properties.FILE}.",
        references=(
            *("CIS 6.3", "CIS 6.4", "CIS 6.5", "CIS 6.6"),
            *("FSBP EC2.2", "FSBP EC2.18", "FSBP EC2.19"),
        ),
        types=frozenset(catalogue.CATALOGUE),
        check=properties_as_declared,
    ),
    StackRule(
        id="references-in-stack",
        why="A rule, route or key on the things of others changes what this stack does not own.",
        fix="Name a resource of this program, by its output.",
        check=references_in_stack,
    ),
    StackRule(
        id="attachments-between-own",
        why="A sandbox with the manager's policy could launch sandboxes; AWS's own policies grant"
        " whole services.",
        fix="Attach each policy of infra/permissions to its own identity only.",
        references=("CIS 2.14", "FSBP IAM.1"),
        check=attachments_between_own,
    ),
    StackRule(
        id="additions-open-nothing",
        why="Sandboxes admit SSH only, and the internet gateway is their only way out.",
        fix="Give the addition a group or a route table of its own.",
        check=additions_open_nothing,
    ),
    ResourceRule(
        id="additions-stay-apart",
        why="docs/permissions.md promises what the identities of the program can do.",
        fix="Give the addition an identity of its own.",
        types=ALL_TYPES,
        check=additions_stay_apart,
    ),
)
