"""Turns the rules into the policies that the engine runs."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from google.protobuf import empty_pb2
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
from pulumi_policy.proxy import UnknownValueError

from policies.config import ConfigError, Parameters, schema, stack_parameters, with_pack_config
from policies.rule import (
    CheckedResource,
    CheckedStack,
    Finding,
    Level,
    ResourceRule,
    Rule,
    StackRule,
)

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


class Pack:
    """The policies of a pack, with their state between the calls of the engine."""

    def __init__(self, rules: Iterable[Rule], parameters: Parameters) -> None:
        self._rules = tuple(rules)
        self.parameters = parameters
        self.undecided: set[str] = set()
        """The rules that could not decide, because the preview does not know a value."""
        self.cancelled = False

    def configure(self, config: Mapping[str, str], stack: str) -> None:
        """Set the stack's config; the exemptions and additions stay.

        Raises:
            ConfigError: a value of the stack's config is not valid.
        """
        self.parameters = replace(
            stack_parameters(config, stack),
            exemptions=self.parameters.exemptions,
            additions=self.parameters.additions,
        )

    def cancel(self) -> None:
        """Report nothing more about the stack, because a cancelled update may be incomplete."""
        self.cancelled = True

    def policies(self) -> list[Policy]:
        """One policy per rule, so that the pack's config can set its level, and the notice."""
        notice = StackValidationPolicy(
            "undecided",
            "A preview does not know every value; the update decides before it creates a resource.",
            validate=self._note_undecided,
            enforcement_level=EnforcementLevel.ADVISORY,
        )
        return [*(self._policy(rule) for rule in self._rules), notice]

    def _policy(self, rule: Rule) -> Policy:
        config = PolicyConfigSchema(properties=schema(rule.parameters)) if rule.parameters else None
        common: dict[str, Any] = {
            "name": rule.id,
            "description": rule.why,
            "enforcement_level": LEVELS[rule.level],
            "config_schema": config,
            "remediation_steps": rule.fix,
        }
        if isinstance(rule, ResourceRule):
            return ResourceValidationPolicy(validate=self._resource_validation(rule), **common)
        return StackValidationPolicy(validate=self._stack_validation(rule), **common)

    def _resource_validation(
        self, rule: ResourceRule
    ) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if rule.types is not None and (
                args.resource_type not in rule.types or self.parameters.adds(args.urn)
            ):
                return
            self._report(rule, args, lambda parameters: rule.check(args, parameters), report)

        return validate

    def _stack_validation(
        self, rule: StackRule
    ) -> Callable[[StackValidationArgs, ReportViolation], None]:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            if not self.cancelled:
                added = [item for item in args.resources if self.parameters.adds(item.urn)]
                resources = [item for item in args.resources if not self.parameters.adds(item.urn)]
                stack = CheckedStack(resources, added)
                self._report(rule, args, lambda parameters: rule.check(stack, parameters), report)

        return validate

    def _report(
        self,
        rule: Rule,
        args: ResourceValidationArgs | StackValidationArgs,
        check: Check,
        report: ReportViolation,
    ) -> None:
        """Report every finding that no exemption covers."""
        resource = args if isinstance(args, ResourceValidationArgs) else None
        try:
            parameters = with_pack_config(self.parameters, args.get_config())
        except ConfigError as error:
            report(f"pack config of {rule.id}: {error}", None)
            return
        try:
            for finding in check(parameters):
                subject = finding.resource or resource
                urn = subject.urn if subject else ""
                if not parameters.exempts(rule.id, urn):
                    report(message(rule, finding, subject), urn or None)
        except UnknownValueError:
            self.undecided.add(rule.id)
        except (ValueError, TypeError, AttributeError):
            # The error's text may hold the value, which may be a secret, so the message omits it.
            name = resource.name if resource else "the stack"
            report(f"{name}: has a value that this rule cannot read. {rule.fix}", None)

    def _note_undecided(self, _: StackValidationArgs, report: ReportViolation) -> None:
        """One line for all rules. It runs last: the server keeps the order of the policies."""
        if self.undecided and not self.cancelled:
            rules = ", ".join(sorted(self.undecided))
            report(f"a preview does not know all values yet, so the update decides: {rules}", None)
        self.undecided.clear()


def install_server(pack: Pack) -> None:
    """Replace the server of pulumi-policy by one with the project's version and the stack's config.

    `PolicyPack` takes no version, and pulumi-policy 1.21 always reports 0.0.1. It also
    ignores the stack's config, which the engine now sends instead of setting PULUMI_CONFIG, and
    refuses the call for a cancelled update. Call this once, before the pack serves.

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
                pack.configure(request.config, request.stack)
        except ValueError as error:
            context.abort(StatusCode.INVALID_ARGUMENT, f"policies: {error}")
        return servicer.ConfigureStack(self, request, context)

    def cancel(*_: object) -> empty_pb2.Empty:
        pack.cancel()
        return empty_pb2.Empty()

    methods = {"__init__": initialise, "ConfigureStack": configure_stack, "Cancel": cancel}
    # A subclass, because pulumi-policy also refers to the class by its name in the module.
    setattr(policy, "_PolicyAnalyzerServicer", type(NAME, (servicer,), methods))  # noqa: B010 - a module's attribute


def message(rule: Rule, finding: Finding, subject: CheckedResource | None) -> str:
    """One line: resource, property, value, problem, cure."""
    value = f" = {finding.value}" if finding.value else ""
    if finding.property:
        where = f"{finding.property}{value}: "
    else:
        where = f"{finding.value}: " if finding.value else ""
    name = f"{subject.name}: " if subject else ""
    return f"{name}{where}{finding.problem}. {finding.fix or rule.fix}"
