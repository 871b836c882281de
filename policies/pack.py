"""Turns the rules into the policies that the engine runs."""

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
    policy,
)

from policies.config import ConfigError, Parameters, schema, with_pack_config
from policies.rule import Finding, Level, Resource, ResourceRule, Rule, Stack

NAME: Final = "sandbox"
LEVELS: Final = {
    Level.ADVISORY: EnforcementLevel.ADVISORY,
    Level.MANDATORY: EnforcementLevel.MANDATORY,
}
Check = Callable[[Parameters], Iterator[Finding]]


def install_version() -> None:
    """Let the server of pulumi-policy report the project's version, the one in pyproject.toml.

    `PolicyPack` takes no version and pulumi-policy 1.21 always reports 0.0.1. Called once, before
    the pack serves.

    Raises:
        RuntimeError: this version of pulumi-policy builds its server in another way.
    """
    servicer: Any = getattr(policy, "_PolicyAnalyzerServicer", None)
    if servicer is None:
        raise RuntimeError(
            "pulumi_policy.policy._PolicyAnalyzerServicer: does not exist in this version of"
            " pulumi-policy; adapt install_version in policies/pack.py to its new server"
        )

    def initialise(self: object, name: str, _version: str, *arguments: object) -> None:
        servicer.__init__(self, name, version("sandbox"), *arguments)

    # A subclass, because the server also refers to the class by its name in the module.
    setattr(policy, "_PolicyAnalyzerServicer", type(NAME, (servicer,), {"__init__": initialise}))  # noqa: B010 - a module's attribute


def policies(rules: Iterable[Rule], parameters: Parameters) -> list[Policy]:
    """One policy per rule, so that the pack's config can set the level of each."""
    return [as_policy(rule, parameters) for rule in rules]


def as_policy(rule: Rule, parameters: Parameters) -> Policy:
    config = PolicyConfigSchema(properties=schema(rule.parameters)) if rule.parameters else None
    if isinstance(rule, ResourceRule):
        return ResourceValidationPolicy(
            rule.id,
            rule.why,
            validate=_resource_validation(rule, parameters),
            enforcement_level=LEVELS[rule.level],
            config_schema=config,
            remediation_steps=rule.fix,
        )

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(args.resources)
        check: Check = lambda chosen: rule.check(stack, chosen)  # noqa: E731 - shorter than a def
        _report(rule, parameters, args, check, report)

    return StackValidationPolicy(
        rule.id,
        rule.why,
        validate=validate,
        enforcement_level=LEVELS[rule.level],
        config_schema=config,
        remediation_steps=rule.fix,
    )


def _resource_validation(
    rule: ResourceRule, parameters: Parameters
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.types is None or args.resource_type in rule.types:
            check: Check = lambda chosen: rule.check(args, chosen)  # noqa: E731 - as above
            _report(rule, parameters, args, check, report)

    return validate


def _report(
    rule: Rule,
    parameters: Parameters,
    args: ResourceValidationArgs | StackValidationArgs,
    check: Check,
    report: ReportViolation,
) -> None:
    """Report every finding that no exemption covers.

    UnknownValueError passes through: the server then reports the rule as advisory, "can't run".
    """
    resource = args if isinstance(args, ResourceValidationArgs) else None
    try:
        chosen = with_pack_config(parameters, args.get_config())
    except ConfigError as error:
        report(f"pack config of {rule.id}: {error}", None)
        return
    try:
        for finding in check(chosen):
            subject = finding.resource or resource
            if not chosen.exempts(rule.id, subject.urn if subject else ""):
                report(message(rule, finding, subject), subject.urn if subject else None)
    except (ValueError, TypeError):
        # The error's text may hold the value, which may be a secret, so the message leaves it out.
        name = resource.name if resource else "the stack"
        report(f"{name}: has a value that this rule cannot read. {rule.fix}", None)


def message(rule: Rule, finding: Finding, subject: Resource | None) -> str:
    """One line: resource, property, value, problem, cure."""
    value = f" = {finding.value}" if finding.value else ""
    if finding.property:
        where = f"{finding.property}{value}: "
    else:
        where = f"{finding.value}: " if finding.value else ""
    name = f"{subject.name}: " if subject else ""
    return f"{name}{where}{finding.problem}. {finding.fix or rule.fix}"
