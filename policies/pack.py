"""Turns the rules into the policies that the engine runs."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from grpc import StatusCode
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

from policies.config import ConfigError, Parameters, schema, stack_parameters, with_pack_config
from policies.rule import Finding, Level, Resource, ResourceRule, Rule, Stack

NAME: Final = "sandbox"
LEVELS: Final = {
    Level.ADVISORY: EnforcementLevel.ADVISORY,
    Level.MANDATORY: EnforcementLevel.MANDATORY,
}
CLIENT: Final = Path(__file__).parents[1] / "sandbox_client" / "__init__.py"
VERSION: Final = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
Check = Callable[[Parameters], Iterator[Finding]]


def project_version() -> str:
    """The version of the program, the pack and the client.

    It is read from the client's file: `pulumi install` does not install the project, and an import
    of the client would take longer than the pack's rules.
    """
    (version,) = VERSION.findall(CLIENT.read_text(encoding="utf-8"))
    return version


class StackConfig:
    """The parameters of the stack's config, which the engine sends after the pack has started."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def receive(self, config: Mapping[str, str], stack: str) -> None:
        """Take the stack's config; the exemptions stay.

        Raises:
            ConfigError: a value of the stack's config is not valid.
        """
        received = stack_parameters(config, stack)
        self.parameters = replace(received, exemptions=self.parameters.exemptions)


def install_server(stack_config: StackConfig) -> None:
    """Let the server of pulumi-policy report the project's version and take the stack's config.

    `PolicyPack` takes no version, and pulumi-policy 1.21 always reports 0.0.1. It also drops the
    config, which today's engine sends to it and no longer puts into PULUMI_CONFIG. Called once,
    before the pack serves.

    Raises:
        RuntimeError: this version of pulumi-policy builds its server in another way.
    """
    servicer: Any = getattr(policy, "_PolicyAnalyzerServicer", None)
    if servicer is None:
        raise RuntimeError(
            "pulumi_policy.policy._PolicyAnalyzerServicer: does not exist in this version of"
            " pulumi-policy; adapt install_server in policies/pack.py to its new server"
        )

    version = project_version()

    def initialise(self: object, name: str, _version: str, *arguments: object) -> None:
        servicer.__init__(self, name, version, *arguments)

    def configure_stack(self: object, request: Any, context: Any) -> object:  # noqa: ANN401 - gRPC's
        try:
            if request.config:
                stack_config.receive(request.config, request.stack)
        except ValueError as error:
            context.abort(StatusCode.INVALID_ARGUMENT, f"policies: {error}")
        return servicer.ConfigureStack(self, request, context)

    methods = {"__init__": initialise, "ConfigureStack": configure_stack}
    # A subclass, because the server also refers to the class by its name in the module.
    setattr(policy, "_PolicyAnalyzerServicer", type(NAME, (servicer,), methods))  # noqa: B010 - a module's attribute


def policies(rules: Iterable[Rule], stack_config: StackConfig) -> list[Policy]:
    """One policy per rule, so that the pack's config can set the level of each."""
    return [as_policy(rule, stack_config) for rule in rules]


def as_policy(rule: Rule, stack_config: StackConfig) -> Policy:
    config = PolicyConfigSchema(properties=schema(rule.parameters)) if rule.parameters else None
    if isinstance(rule, ResourceRule):
        return ResourceValidationPolicy(
            rule.id,
            rule.why,
            validate=_resource_validation(rule, stack_config),
            enforcement_level=LEVELS[rule.level],
            config_schema=config,
            remediation_steps=rule.fix,
        )

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(args.resources)
        check: Check = lambda chosen: rule.check(stack, chosen)  # noqa: E731 - shorter than a def
        _report(rule, stack_config.parameters, args, check, report)

    return StackValidationPolicy(
        rule.id,
        rule.why,
        validate=validate,
        enforcement_level=LEVELS[rule.level],
        config_schema=config,
        remediation_steps=rule.fix,
    )


def _resource_validation(
    rule: ResourceRule, stack_config: StackConfig
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.types is None or args.resource_type in rule.types:
            check: Check = lambda chosen: rule.check(args, chosen)  # noqa: E731 - as above
            _report(rule, stack_config.parameters, args, check, report)

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
