"""Options that several commands share; each has one meaning and one text."""

from pathlib import Path
from typing import Annotated

import typer

from sandbox.core import output


def _stack_names(incomplete: str) -> list[str]:
    """Complete the stacks that have a file in this folder."""
    names = (
        path.name.split(".", 1)[1].removesuffix(".yaml") for path in Path().glob("Pulumi.*.yaml")
    )
    return sorted(name for name in names if name.startswith(incomplete))


def _set_quiet(value: bool) -> bool:  # noqa: FBT001 - Typer's callback
    if value:  # the option stands before or after the sub-command's name; either holds
        output.set_quiet(quiet=True)
    return value


StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        autocompletion=_stack_names,
        help="The stack. Default: PULUMI_STACK, else the selected stack.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_set_quiet,
        help="Print results and errors only, no notes and no progress.",
    ),
]
