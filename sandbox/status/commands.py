"""`sandbox status`: a stack at a glance."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption

EPILOG = "Example: sandbox status --stack production --quick"


def status(
    *,
    stack: StackOption = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Leave out drift and policies, which take a preview."),
    ] = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show the stack at a glance. Exit code 10 says that somebody should act.

    JSON: a list of {item, details, ok}. ok is false where somebody should act.
    """
    from sandbox.core.stack import Stack
    from sandbox.status import report

    selected = Stack.select(stack)
    work = "reading its state and the account" if quick else "comparing it with the account"
    with output.progress(f"stack {selected.name}: {work}"):
        lines = report.read(selected, selected.sandbox_config(), quick=quick)
    if as_json:
        output.json_result([report.as_json(line) for line in lines])
    else:
        output.table(("", "item", "details"), [report.row(line) for line in lines])
    if not all(line.ok for line in lines):
        raise typer.Exit(ExitCode.ATTENTION)
