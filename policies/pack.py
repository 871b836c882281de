"""Rules as the policies that the engine runs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.config import ConfigError, Parameters, schema, with_pack_config
from policies.rule import Finding, Level, Resource, ResourceRule, Rule, Stack

NAME: Final = "sandbox"
LEVELS: Final = {
    Level.ADVISORY: EnforcementLevel.ADVISORY,
    Level.MANDATORY: EnforcementLevel.MANDATORY,
}
Check = Callable[[Parameters], Iterator[Finding]]


def policies(rules: Iterable[Rule], parameters: Parameters) -> list[Policy]:
    """One policy per rule, so that the pack's config can set the level of each."""
    return [as_policy(rule, parameters) for rule in rules]


def as_policy(rule: Rule, parameters: Parameters) -> Policy:
    config = PolicyConfigSchema(properties=schema(rule.takes)) if rule.takes else None
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
        if rule.on is None or args.resource_type in rule.on:
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

    What a preview cannot know yet passes as UnknownValueError: the server reports it as advisory.
    """
    resource = args if isinstance(args, ResourceValidationArgs) else None
    try:
        chosen = with_pack_config(parameters, args.get_config())
    except ConfigError as error:
        report(f"pack config of {rule.id}: {error}", None)
        return
    try:
        for finding in check(chosen):
            where = finding.on or resource
            if not chosen.exempts(rule.id, where.urn if where else ""):
                report(message(rule, finding, where), where.urn if where else None)
    except (ValueError, TypeError):
        # Its text may hold the value, so it is not repeated. What cannot be read is refused.
        name = resource.name if resource else "the stack"
        report(f"{name}: holds a value of a form that this rule cannot read. {rule.fix}", None)


def message(rule: Rule, finding: Finding, where: Resource | None) -> str:
    """One line: where, what was given, what is wrong, what to do."""
    given = f" = {finding.value}" if finding.value else ""
    place = f"{finding.at}{given}: " if finding.at else finding.value and f"{finding.value}: "
    name = f"{where.name}: " if where else ""
    return f"{name}{place}{finding.wrong}. {finding.fix or rule.fix}"
