"""`sandbox recover`: repair a stack whose update was killed."""

from typing import Annotated

import typer

from sandbox.core import output, prompts
from sandbox.core.errors import ExitCode, UsageError
from sandbox.core.options import JsonOption, QuietOption, StackOption, YesOption

EPILOG = "Example: sandbox recover --stack production --dry-run"


def recover(
    *,
    stack: StackOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the steps, change nothing; exit code 10 if any."),
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Repair a stack whose update was killed: unlock it, adopt what AWS created.

    If the engine dies after AWS created a resource but before the state is saved, the next update
    would create it again. This finds such resources, adds those that carry this stack's tags to
    the state, and deletes an access key whose secret was lost. It shows every step, with the
    lock's holder and age, and asks before it changes anything.

    JSON, with --dry-run: {locked, locks, delete_keys, adopt, forget}: whether the stack is locked,
    then lists of {username, hostname, pid, since}, of {user, key_id, created}, of {type, name, id}
    and of text.
    """
    from datetime import UTC, datetime

    from sandbox.core.stack import Stack
    from sandbox.recover import recovery

    if as_json and not dry_run:
        raise UsageError("--json: is only used with --dry-run; add it")
    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: comparing its state with the account"):
        plan = recovery.plan(selected)
    steps = list(plan.steps(datetime.now(UTC)))
    if as_json:
        output.json_result(plan.as_json())
    else:
        for step in steps or [f"stack {selected.name}: nothing to repair"]:
            output.result(step)
    if not steps:
        return
    if dry_run:
        raise typer.Exit(ExitCode.ATTENTION)
    prompts.confirm(f"repair stack {selected.name} with these steps", yes=yes)
    recovery.apply(selected, plan)
    output.note(f"stack {selected.name} is repaired; next: pulumi up --stack {selected.name}")
