"""The order of an adoption: rehearse on a stack that is thrown away, judge, then write once.

Everything that can fail is tried on a copy of the stack first: the account is only read, and the
real stack is written when the verdict is in, its config first and its state in one piece. Whatever
stops a run before that leaves the stack as it was, and the next run starts anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.adopt import adopted_settings as config
from sandbox.adopt import deployment, mapping
from sandbox.adopt.deployment import Deployment
from sandbox.adopt.mapping import Plan
from sandbox.adopt.preview_check import Verdict, judge
from sandbox.adopt.rehearsal import rehearsal
from sandbox.adopt.terraform_state import State
from sandbox.core.errors import SandboxError
from sandbox.core.pulumi_cli import subject
from sandbox.core.stack import Stack

PROJECT: Final = "sandbox"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a run found, and did."""

    settings: Mapping[str, Any]
    """What the stack's config did not say yet, by key without namespace."""
    missing: Sequence[mapping.Adopted]
    """What the stack did not have yet."""
    verdict: Verdict
    written: bool


def provider_urn(stack: str) -> str:
    return f"urn:pulumi:{stack}::{PROJECT}::pulumi:providers:aws::aws"


def adopt(  # noqa: PLR0913 - what was read, where it goes, and how
    state: State, plan: Plan, stack: Stack, standing: Mapping[str, Any], *, check: bool, say: Say
) -> Adoption:
    """Bring what *plan* maps into *stack*; with *check*, only tell what would come of it.

    *standing* are the stack's settings.

    Raises:
        SandboxError: it cannot be done without changing what runs; nothing was written.
    """
    say(f"reading stack {stack.name}")
    base = stack.export(show_secrets=True)
    missing = _missing(state, plan, stack.short_name, base)
    if not missing:  # adopted before; its config is the user's now
        say("previewing")
        verdict = judge(stack.preview())
        return Adoption(settings={}, missing=(), verdict=verdict, written=False)
    wanted = config.settings_of(state, plan)
    changes = config.changes(standing, wanted)
    config.require_usable(state, config.merged(standing, wanted))
    with rehearsal(stack) as scratch:
        say("rehearsing: what the program registers")
        scratch.set_config(_keys({**standing, **wanted}))
        adopted = _import(scratch, base, plan, missing, say)
        say("rehearsing: the preview")
        verdict = judge(scratch.preview())
    if verdict.objections or check:
        return Adoption(settings=changes, missing=missing, verdict=verdict, written=False)
    say(f"writing stack {stack.name}: config")
    stack.set_config(_keys(changes))
    say(f"writing stack {stack.name}: state")
    _write(stack, base, adopted)
    say("previewing")
    verdict = judge(stack.preview())
    return Adoption(settings=changes, missing=missing, verdict=verdict, written=True)


def _import(
    scratch: Stack, base: Deployment, plan: Plan, missing: Sequence[mapping.Adopted], say: Say
) -> Deployment:
    """*base* and everything of *missing*, read from the account by the engine.

    Raises:
        SandboxError: the program registers no such resource, or the account has none.
    """
    provider = provider_urn(scratch.short_name)
    start = deployment.with_resources(scratch.export(), base)
    scratch.import_deployment(start)
    registered = deployment.registered(scratch.preview())
    for one in missing:
        if mapping.urn(scratch.short_name, PROJECT, one) not in registered:
            raise SandboxError(
                f"stack {scratch.name}: under its settings the program has no {one.type} "
                f"{one.name}, which {one.address} would become; compare its config with the mapping"
            )
    scratch.import_deployment(deployment.with_provider(start, registered, provider))
    say(f"rehearsing: the import of {len(missing)} resources")
    known = list(deployment.ids(base))
    urns = {mapping.urn(scratch.short_name, PROJECT, one): one for one in missing}
    try:
        scratch.import_resources(
            mapping.import_file(scratch.short_name, PROJECT, provider, missing, known)
        )
    except SandboxError as error:
        own = [
            f"{one.address} ({one.id})"
            for urn, one in urns.items()
            if f"{subject(urn)}: " in str(error)
        ]
        raise SandboxError(
            f"{error}; if the account no longer has {' and '.join(own)}: terraform apply "
            "-refresh-only, then pull the state again"
            if own
            else str(error)
        ) from None
    made = deployment.with_told(
        scratch.export(show_secrets=True), {urn: one.told for urn, one in urns.items()}
    )
    for urn, one in urns.items():
        if one.type == mapping.ACCESS_KEY and plan.key:
            made = deployment.with_secret(made, urn, plan.key)
    scratch.import_deployment(made)
    return made


def _missing(state: State, plan: Plan, stack: str, base: Deployment) -> tuple[mapping.Adopted, ...]:
    """What the stack lacks; what it has must be the same thing.

    Raises:
        SandboxError: the stack stands for another environment.
    """
    known = deployment.ids(base)
    for one in plan.adopted:
        standing = known.get(mapping.urn(stack, PROJECT, one))
        # ids put together from others differ between provider versions; the others tell enough
        if standing and one.import_id == one.id and standing != one.id:
            raise SandboxError(
                f"{state.where}: {one.address} is {one.id}, but stack {stack} already has "
                f"{standing} as its {one.name}; name the stack of this environment, or a new one"
            )
    return tuple(one for one in plan.adopted if mapping.urn(stack, PROJECT, one) not in known)


def _write(stack: Stack, base: Deployment, adopted: Deployment) -> None:
    """Make *adopted* the stack's state, encrypted by the stack's own secrets provider."""
    now = stack.export()
    if deployment.changed_at(now) != deployment.changed_at(base):
        raise SandboxError(
            f"stack {stack.name}: was changed by somebody else meanwhile; run this again"
        )
    stack.import_deployment(deployment.with_resources(now, adopted))


def _keys(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{config.NAMESPACE}:{key}": value for key, value in settings.items()}
