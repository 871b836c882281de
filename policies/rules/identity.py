"""Identities: one manager and one role for instances, each under its own boundary."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from infra import catalogue
from policies import properties
from policies.config import Parameters
from policies.rule import (
    CheckedResource,
    CheckedStack,
    Finding,
    Level,
    ResourceRule,
    Rule,
    StackResource,
    StackRule,
    decide_each,
    has,
    refers_to,
    text,
)
from policies.shown_values import show


def keys_as_configured(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    """The numbers of active and inactive keys do not exceed the stages of sandbox:manager_keys."""
    stages = list(parameters.manager_keys.values())
    active = _active_keys(stack)
    inactive = [key for key in stack.of_type(catalogue.ACCESS_KEY.name) if key not in active]
    asleep = stages.count("inactive")
    for state, keys, wanted in (
        ("active", active, len(stages) - asleep),
        ("inactive", inactive, asleep),
    ):
        for number, key in enumerate(keys[wanted:], start=wanted + 1):
            problem = f"is {state} key number {number}, sandbox:manager_keys has {wanted}"
            yield Finding(resource=key, problem=problem)


def access_key_age(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    """The age is from the date in the state, which a preview knows for every existing key."""

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


def _active_keys(stack: CheckedStack) -> list[StackResource]:
    return [
        key
        for key in stack.of_type(catalogue.ACCESS_KEY.name)
        if text(key.props, "status") != "Inactive"
    ]


def boundary_present(identity: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    boundary = properties.BOUNDARIES.get(text(identity.props, "name"))
    if boundary is None:
        return  # properties-as-declared refuses an identity of another name
    if not has(identity.props, "permissionsBoundary"):
        yield Finding(property="permissionsBoundary", value="not set", problem="is required")
        return
    arn = text(identity.props, "permissionsBoundary")
    organization = parameters.permissions_boundary
    if arn != organization if organization else not arn.endswith(f":policy/{boundary}"):
        problem = f"is not {'sandbox:permissions_boundary' if organization else boundary}"
        yield Finding(property="permissionsBoundary", value=show(arn), problem=problem)


def boundary_matches_identity(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    """A first preview knows no ARN, so the program's dependencies decide."""
    if parameters.permissions_boundary:
        return  # boundary-present knows the one ARN

    def check(identity: StackResource) -> Iterator[Finding]:
        expected = properties.BOUNDARIES.get(text(identity.props, "name"))
        policies = stack.of_type(catalogue.POLICY.name)
        boundaries = [policy for policy in policies if text(policy.props, "name") == expected]
        if expected and not any(
            refers_to(identity, "permissionsBoundary", boundary, "arn") for boundary in boundaries
        ):
            problem = f"is not {expected} of this stack"
            yield Finding(resource=identity, property="permissionsBoundary", problem=problem)

    yield from decide_each(stack.of_type(catalogue.USER.name, catalogue.ROLE.name), check)


RULES: Final[tuple[Rule, ...]] = (
    StackRule(
        id="keys-as-configured",
        why="Nobody rotates a key that the stack's config does not know.",
        fix="Rotate with `sandbox keys rotate`, which writes sandbox:manager_keys.",
        check=keys_as_configured,
    ),
    StackRule(
        id="access-key-age",
        why="The longer a key lives, the more places hold a copy of it.",
        fix="Rotate it: `sandbox keys rotate`.",
        level=Level.ADVISORY,  # blocking would also block the update that rotates the key
        references=("CIS 2.12", "FSBP IAM.3"),
        parameters=("max_key_age_days",),
        check=access_key_age,
    ),
    ResourceRule(
        id="boundary-present",
        why="A boundary limits an identity even if somebody attaches more policies later.",
        fix="Set permissionsBoundary to the identity's own boundary, or as configured.",
        types=frozenset({catalogue.ROLE.name, catalogue.USER.name}),
        check=boundary_present,
    ),
    StackRule(
        id="boundary-matches-identity",
        why="The boundary of another identity allows the work of that identity.",
        fix="Set permissionsBoundary to the identity's own boundary.",
        check=boundary_matches_identity,
    ),
)
