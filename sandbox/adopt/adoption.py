"""Adopt in a safe order: rehearse on a temporary stack, check the preview, then write once.

Everything that can fail is tried on a copy of the stack first, and the account is only read. The
real stack is written when the preview is sound: its config first, then its state in one piece. A
run that stops before that leaves the stack unchanged, and the next run starts again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra import names, settings
from infra.aws_clients import AwsClients
from infra.settings import Settings
from sandbox.adopt import adopted_settings, deployment, mapping
from sandbox.adopt.deployment import Deployment
from sandbox.adopt.key_limit import require_key_limit
from sandbox.adopt.launch import Launch, LaunchNetwork, judged_launch
from sandbox.adopt.machines import Machine, MachineListing, image_in_use, listing, machines
from sandbox.adopt.mapping import AdoptedResource, AdoptionPlan
from sandbox.adopt.outside_terraform import with_endpoint, with_log_group
from sandbox.adopt.preview_check import Verdict, check_preview
from sandbox.adopt.questions import Answers, OperatorQuestion, questions
from sandbox.adopt.rehearsal import rehearsal
from sandbox.adopt.terraform_state import State
from sandbox.core import output, project
from sandbox.core.errors import RefusedError, SandboxError
from sandbox.core.pulumi_cli import subject
from sandbox.core.stack import Stack

IMAGE: Final = "sandbox_ami_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """The result of one run."""

    plan: AdoptionPlan
    settings: Mapping[str, Any]
    """The settings that the stack's config did not hold yet, by key without namespace."""
    refused_settings: Mapping[str, str]
    """Settings of the old environment that the program refuses, with the value and the reason."""
    missing: Sequence[AdoptedResource]
    """The resources that the stack did not hold yet."""
    verdict: Verdict
    machines: Sequence[Machine]
    """Those in the VPC, the newest first."""
    launch: Launch | None
    """A launch like that of the newest machine, under the new policies."""
    questions: Sequence[OperatorQuestion]
    """What the operator has to decide before the next update."""
    open_questions: Sequence[OperatorQuestion]
    """Those without an answer."""
    written: bool


def adopt(  # noqa: PLR0913 - the parts of one run
    state: State,
    plan: AdoptionPlan,
    stack: Stack,
    aws: AwsClients,
    *,
    answers: Answers,
    check_only: bool,
) -> Adoption:
    """Bring the resources of *plan* into *stack*; with *check_only* write nothing.

    Nothing is written while a question is open that *answers* does not answer.

    Raises:
        RefusedError: the state does not fit the stack or the program; nothing was written.
        SandboxError: Pulumi or AWS answered with an error.
    """
    with output.progress(f"stack {stack.name}: reading its config and its state"):
        config = stack.config_values()
        base = stack.export(show_secrets=True)
    log_prefix = {**config, **adopted_settings.settings_of(state, plan)}["log_prefix"]
    with output.progress(f"region {aws.region}: looking for what Terraform may not know"):
        plan = with_endpoint(plan, aws)
        plan = with_log_group(plan, aws, names.instance_log_group(log_prefix))
    missing = missing_resources(state, plan, stack.short_name, base)
    if not missing:  # adopted by an earlier run: its config belongs to the user now
        listed = listing(aws, plan.environment.vpc.id)
        verdict, listed_machines = _previewed(stack), machines(listed, stack.settings())
        asked = questions(verdict, listed_machines)
        return Adoption(
            plan=plan,
            settings={},
            refused_settings={},
            missing=(),
            verdict=verdict,
            machines=listed_machines,
            launch=_launch(aws, listed, stack.settings(), plan),
            questions=asked,
            open_questions=answers.open(asked) if verdict.sound else asked,
            written=False,
        )
    with output.progress(f"user {names.MANAGER}: listing the access keys"):
        require_key_limit(plan, aws, state.where)
    adopted = adopted_settings.settings_of(state, plan)
    with output.progress(f"region {aws.region}: looking at the machines in the VPC"):
        listed = listing(aws, plan.environment.vpc.id)
        if not config.get(IMAGE) and (image := image_in_use(listed)):
            adopted[IMAGE] = image
        changes = adopted_settings.changes(config, adopted)
        merged = adopted_settings.merged(config, adopted)
        adopted_settings.require_valid(state, merged)
        new = settings.parse(merged)
        listed_machines = machines(listed, new)
    launch = _launch(aws, listed, new, plan)
    with rehearsal(stack) as scratch:
        scratch.set_config(_full_keys({**config, **adopted}))
        imported = _import(scratch, base, plan, missing)
        with output.progress("rehearsal: previewing the next update"):
            verdict = check_preview(scratch.preview())
    asked = questions(verdict, listed_machines)
    open_questions = answers.open(asked) if verdict.sound else asked
    written = verdict.sound and not open_questions and not check_only
    if written:
        with output.progress(f"stack {stack.name}: writing its config"):
            stack.set_config(_full_keys(changes))
        with output.progress(f"stack {stack.name}: writing its state"):
            _write(stack, base, imported)
        verdict = _previewed(stack)
    return Adoption(
        plan=plan,
        settings=changes,
        refused_settings=adopted_settings.refused_settings(state),
        missing=missing,
        verdict=verdict,
        machines=listed_machines,
        launch=launch,
        questions=asked,
        open_questions=open_questions,
        written=written,
    )


def _launch(
    aws: AwsClients, listed: MachineListing, new: Settings, plan: AdoptionPlan
) -> Launch | None:
    network = LaunchNetwork(
        vpc_id=plan.environment.vpc.id,
        subnet_ids=tuple(plan.environment.zones),
        security_group_id=plan.environment.security_group,
    )
    with output.progress("asking IAM's simulator about a launch under the new policies"):
        return judged_launch(aws, listed, new, network)


def _previewed(stack: Stack) -> Verdict:
    with output.progress(f"stack {stack.name}: previewing the next update"):
        return check_preview(stack.preview())


def _import(
    scratch: Stack, base: Deployment, plan: AdoptionPlan, missing: Sequence[AdoptedResource]
) -> Deployment:
    """*base*, and every resource of *missing* as the engine reads it from the account.

    Raises:
        RefusedError: the program does not register a resource of *missing*.
        SandboxError: the account does not have one.
    """
    provider = f"urn:pulumi:{scratch.short_name}::{project.NAME}::pulumi:providers:aws::aws"
    start = deployment.with_resources(scratch.export(), base)
    scratch.import_deployment(start)
    with output.progress("rehearsal: listing the resources that the program registers"):
        registered = deployment.registered(scratch.preview())
    by_urn = {
        mapping.resource_urn(scratch.short_name, project.NAME, resource): resource
        for resource in missing
    }
    for urn, resource in by_urn.items():
        if urn not in registered:
            raise RefusedError(
                f"stack {scratch.name}: with these settings the program does not register "
                f"{subject(urn)}, which {resource.address} would become; correct the stack's "
                "config, or restore this resource with Terraform"
            )
    scratch.import_deployment(deployment.with_provider(start, registered, provider))
    with output.progress(f"rehearsal: importing {len(missing)} resources"):
        read_from_account(scratch, base, provider, by_urn)
    complete = deployment.with_state_only_properties(
        scratch.export(show_secrets=True),
        {urn: resource.state_only_properties for urn, resource in by_urn.items()},
    )
    for urn, resource in by_urn.items():
        if key := plan.access_keys.get(resource.address):
            complete = deployment.with_access_key_secret(complete, urn, key)
    scratch.import_deployment(complete)
    return complete


def read_from_account(
    scratch: Stack, base: Deployment, provider: str, by_urn: Mapping[str, AdoptedResource]
) -> None:
    """Import *by_urn* into the scratch stack.

    Raises:
        SandboxError: the account does not have a resource; the message names it.
    """
    import_file = mapping.import_file(
        scratch.short_name,
        project.NAME,
        provider,
        list(by_urn.values()),
        list(deployment.ids(base)),
    )
    try:
        scratch.import_resources(import_file)
    except SandboxError as error:
        failed = [
            f"{resource.address} ({resource.id})"
            for urn, resource in by_urn.items()
            if f"{subject(urn)}: " in str(error)
        ]
        if not failed:
            raise
        raise SandboxError(
            f"{error}; if the account no longer has {' and '.join(failed)}: terraform apply "
            "-refresh-only, then pull the state again"
        ) from None


def missing_resources(
    state: State, plan: AdoptionPlan, stack: str, base: Deployment
) -> tuple[AdoptedResource, ...]:
    """The resources that the stack does not hold yet.

    Raises:
        RefusedError: the stack holds the resources of another environment.
    """
    known = deployment.ids(base)
    missing: list[AdoptedResource] = []
    for resource in plan.adopted:
        current = known.get(mapping.resource_urn(stack, project.NAME, resource))
        if current is None:
            missing.append(resource)
        # composed ids differ between versions of the provider; the other ids are enough
        elif resource.import_id == resource.id != current:
            raise RefusedError(
                f"{state.where}: {resource.address} is {resource.id}, but in stack {stack} "
                f"{resource.name} is {current}; name the stack of this environment, or create a "
                "new one"
            )
    return tuple(missing)


def _write(stack: Stack, base: Deployment, imported: Deployment) -> None:
    """Make *imported* the stack's state, encrypted by the stack's own secrets provider."""
    latest = stack.export()
    if deployment.changed_at(latest) != deployment.changed_at(base):
        raise SandboxError(
            f"stack {stack.name}: another update changed its state meanwhile; run this command "
            "again"
        )
    stack.import_deployment(deployment.with_resources(latest, imported))


def _full_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{adopted_settings.NAMESPACE}:{key}": value for key, value in values.items()}
