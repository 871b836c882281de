"""`sandbox diagram`: the deployed architecture as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import QuietOption, StackOption

EPILOG = "Example: sandbox diagram --stack production --output architecture.mmd"


def diagram(
    *,
    stack: StackOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file, not to standard output."),
    ] = None,
    _quiet: QuietOption = False,
) -> None:
    """Draw the deployed stack as a Mermaid flow chart, which GitHub renders."""
    from sandbox.core.stack import Stack
    from sandbox.diagram.mermaid import mermaid
    from sandbox.diagram.picture import picture

    text = mermaid(picture(Stack.select(stack).resources()))
    if file:
        file.write_text(text, encoding="utf-8")
        output.note(f"wrote {file}")
    else:
        output.result(text.rstrip("\n"))
