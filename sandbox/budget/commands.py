"""`sandbox budget`: the monthly budget and its spending stop."""

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption, YesOption

app = typer.Typer(no_args_is_help=True, help="Show the monthly budget, and lift its stop.")


@app.command("status", epilog="Example: sandbox budget status --stack production")
def status(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Show what is spent, whether the stop is armed, and whether AWS counts the costs at all.

    Exit code 10 says that somebody should act. One request to Cost Explorer costs 0.01 US dollars.

    JSON: {limit, spent, currency, status, attached, armed, tag_status}; amounts are text, and
    status is AWS's word for the state of the budget's action.
    """
    from sandbox.budget import spending
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: reading its budget"):
        report = spending.report(selected)
    if as_json:
        output.json_result(report.as_json())
    else:
        output.table(spending.COLUMNS, report.rows())
    if not report.ok:
        raise typer.Exit(ExitCode.ATTENTION)


@app.command("lift", epilog="Example: sandbox budget lift --stack production")
def lift(*, stack: StackOption = None, yes: YesOption = False, _quiet: QuietOption = False) -> None:
    """Lift the stop from the manager and arm it again. It asks first.

    Raise the limit before, or AWS attaches the stop again within hours. You can interrupt it at
    any time: the next run continues.
    """
    from functools import partial

    from sandbox.budget import spending
    from sandbox.core import prompts
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: reading its budget"):
        stop = spending.Stop.of(selected)
        budget = stop.read()
    if budget.armed:
        output.note(f"stack {selected.name}: the stop is armed and not attached; nothing to lift")
        return
    spending.confirm_lift(selected, budget, partial(prompts.confirm, yes=yes))
    with output.progress(f"stack {selected.name}: lifting the stop and arming it again"):
        stop.lift()
    output.note(f"stack {selected.name}: the manager can launch again, and the stop is armed")
