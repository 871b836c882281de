"""`sandbox keys`: the manager's access keys, and their rotation without a gap."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.core import output
from sandbox.core.options import (
    ContextOption,
    JsonOption,
    NamespaceOption,
    QuietOption,
    RestartOption,
    StackOption,
    YesOption,
)

if TYPE_CHECKING:
    from sandbox.core.kubernetes import Target
    from sandbox.core.stack import Stack
    from sandbox.keys.rotator import Rotator

app = typer.Typer(no_args_is_help=True, help="List and rotate the manager's access keys.")
MAX_GRACE_HOURS = 24 * 365
MAX_POLL_SECONDS = 24 * 3600
ApplyOption = Annotated[
    bool, typer.Option("--apply", help="Apply each new current key to the cluster with kubectl.")
]


@app.command("list", epilog="Example: sandbox keys list --stack production")
def list_keys(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Show each slot's key: its stage, its status in IAM, its age and its last use.

    JSON: a list of {slot, stage, key_id, status, age_days, last_used}. last_used is a time in ISO
    8601, or null.
    """
    from sandbox.core.stack import Stack
    from sandbox.keys import listing

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: reading its keys"):
        keys = listing.read(selected, now=datetime.now(UTC))
    if as_json:
        output.json_result([key.as_json() for key in keys])
    elif keys:
        output.table(listing.COLUMNS, [key.row() for key in keys])
    else:
        output.note(f"stack {selected.name}: the manager has no access keys")


@app.command("rotate", epilog="Example: sandbox keys rotate --stack production --apply --wait")
def rotate(
    *,
    stack: StackOption = None,
    namespace: NamespaceOption = "default",
    apply: ApplyOption = False,
    context: ContextOption = None,
    restart: RestartOption = None,
    older_than_days: Annotated[
        int, typer.Option(min=0, help="Start a rotation only if the key is at least this old.")
    ] = 0,
    grace_hours: Annotated[
        float,
        typer.Option(
            min=0,
            max=MAX_GRACE_HOURS,
            help="Hours that the old key must be unused before it is switched off, and then "
            "inactive before it is deleted.",
        ),
    ] = 4.0,
    wait: Annotated[bool, typer.Option("--wait", help="Wait instead of ending.")] = False,
    poll_seconds: Annotated[
        float,
        typer.Option(min=0, max=MAX_POLL_SECONDS, help="Seconds between two checks of --wait."),
    ] = 60.0,
    yes: YesOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Replace the manager's key without a gap. Run it again until it says that it is done.

    It asks before it starts a rotation. Exit code 11 says that time has to pass first. You can
    interrupt it at any time: the next run continues.
    """
    from sandbox.core.kubernetes import Target
    from sandbox.core.stack import Stack
    from sandbox.keys.rotator import is_due

    selected = Stack.select(stack)
    target = Target(namespace=namespace, context=context, restart=restart or [])
    if not is_due(selected, timedelta(days=older_than_days), now=datetime.now(UTC)):
        output.note(
            f"stack {selected.name}: the key is younger than {older_than_days} days; nothing to do"
        )
        return
    again = [
        *(["--apply"] if apply else []),
        *target.options(),
        *("--grace-hours", f"{grace_hours:g}"),
        *(["--wait"] if wait else []),
    ]
    _rotator(
        selected,
        target,
        apply=apply,
        yes=yes,
        again=_command("keys", "rotate", selected, again),
        grace=timedelta(hours=grace_hours),
        poll=timedelta(seconds=poll_seconds) if wait else None,
    ).run()


@app.command("rollback", epilog="Example: sandbox keys rollback --stack production --apply")
def rollback(
    *,
    stack: StackOption = None,
    namespace: NamespaceOption = "default",
    apply: ApplyOption = False,
    context: ContextOption = None,
    restart: RestartOption = None,
    yes: YesOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Hand out the old key again, as long as it is not deleted. It asks first."""
    from sandbox.core.kubernetes import Target
    from sandbox.core.stack import Stack

    target = Target(namespace=namespace, context=context, restart=restart or [])
    _rotator(Stack.select(stack), target, apply=apply, yes=yes).roll_back()


def _rotator(
    stack: "Stack",
    target: "Target",
    *,
    apply: bool,
    yes: bool,
    again: str = "",
    grace: timedelta = timedelta(),
    poll: timedelta | None = None,
) -> "Rotator":
    from functools import partial

    from sandbox.core import kubernetes, prompts
    from sandbox.keys.rotator import Rotator

    def hand_over() -> None:
        outputs = stack.outputs(secrets=True)
        text = kubernetes.manifest(outputs, stack=stack.name, namespace=target.namespace)
        kubernetes.apply(text, target)

    return Rotator(
        stack=stack,
        iam=stack.aws().iam,
        hand_over=hand_over if apply else None,
        destination=f"apply it to {target}" if apply else "hand it out in the outputs",
        hand_over_command=_command("secret", "--apply", stack, target.options()),
        again_command=again,
        confirm=partial(prompts.confirm, yes=yes),
        grace=grace,
        poll=poll,
    )


def _command(name: str, word: str, stack: "Stack", options: Sequence[str]) -> str:
    """A command of `sandbox` on *stack*, ready to be copied into a shell."""
    return shlex.join(["sandbox", name, word, "--stack", stack.name, *options])
