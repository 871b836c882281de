"""`sandbox keys`: the manager's access keys, and their rotation without a gap."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption
from sandbox.secret.commands import Context, Namespace, Restart

if TYPE_CHECKING:
    from sandbox.keys.rotator import Rotator

app = typer.Typer(no_args_is_help=True, help="List and rotate the manager's access keys.")
Apply = Annotated[bool, typer.Option("--apply", help="Apply each new current key with kubectl.")]


@app.command("list")
def list_keys(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Show the key in each slot: its stage, its status at AWS, its age, and when it was used."""
    from sandbox.core.stack import Stack
    from sandbox.keys import listing

    rows = listing.read(Stack.select(stack), now=datetime.now(UTC))
    if as_json:
        output.json_result(rows)
    else:
        output.table(listing.COLUMNS, [[str(value) for value in row.values()] for row in rows])


@app.command("rotate", epilog="Example: sandbox keys rotate --stack production --apply --wait")
def rotate(
    *,
    stack: StackOption = None,
    namespace: Namespace = "default",
    apply: Apply = False,
    context: Context = None,
    restart: Restart = None,
    older_than_days: Annotated[
        int, typer.Option(min=0, help="Start a rotation only if the key is at least this old.")
    ] = 0,
    grace_hours: Annotated[
        float,
        typer.Option(min=0, help="Hours for which the old key must be unused, and then inactive."),
    ] = 4.0,
    wait: Annotated[bool, typer.Option("--wait", help="Wait instead of ending.")] = False,
    poll_seconds: Annotated[float, typer.Option(min=0, help="How often --wait checks.")] = 60.0,
    _quiet: QuietOption = False,
) -> None:
    """Replace the manager's key without a gap. Run it again until it says that it is done.

    Exit code 11 says that time has to pass first. Each step can be interrupted.
    """
    from sandbox.core.stack import Stack
    from sandbox.keys.rotator import is_older

    selected = Stack.select(stack)
    if not is_older(selected, timedelta(days=older_than_days), now=datetime.now(UTC)):
        output.note(f"the key is younger than {older_than_days} days; nothing to do")
        return
    _rotator(
        stack,
        namespace=namespace,
        apply=apply,
        context=context,
        restart=restart,
        grace=timedelta(hours=grace_hours),
        poll=timedelta(seconds=poll_seconds) if wait else None,
    ).run()


@app.command("rollback")
def rollback(
    *,
    stack: StackOption = None,
    namespace: Namespace = "default",
    apply: Apply = False,
    context: Context = None,
    restart: Restart = None,
    _quiet: QuietOption = False,
) -> None:
    """Hand the old key out again, as long as it is not deleted."""
    _rotator(stack, namespace=namespace, apply=apply, context=context, restart=restart).roll_back()


def _rotator(  # noqa: PLR0913 - one parameter per option
    stack: str | None,
    *,
    namespace: str,
    apply: bool,
    context: str | None,
    restart: list[str] | None,
    grace: timedelta = timedelta(),
    poll: timedelta | None = None,
) -> "Rotator":
    from sandbox.core.stack import Stack
    from sandbox.keys.rotator import Rotator
    from sandbox.secret import manifest

    selected = Stack.select(stack)

    def hand_over() -> None:
        text = manifest.manifest(selected.outputs(secrets=True), namespace=namespace)
        manifest.apply(text, namespace=namespace, context=context, restart=restart or [])

    return Rotator(
        stack=selected,
        iam=selected.aws().iam,
        hand_over=hand_over if apply else None,
        say=output.note,
        grace=grace,
        poll=poll,
    )
