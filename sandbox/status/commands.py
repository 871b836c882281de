"""`sandbox status`: a stack at a glance."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption


def status(
    *,
    stack: StackOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the comparison with the program.")
    ] = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show the stack at a glance. Exit code 10 says that somebody should act."""
    from sandbox.core.stack import Stack
    from sandbox.status import report

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: reading its state and the account"):
        lines = report.read(selected, selected.sandbox_config(), quick=quick)
    if as_json:
        output.json_result([report.as_json(line) for line in lines])
    else:
        output.table(("", "what", "says"), [report.row(line) for line in lines])
    if not all(line.good for line in lines):
        raise typer.Exit(ExitCode.ATTENTION)
