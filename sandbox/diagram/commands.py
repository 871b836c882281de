"""`sandbox diagram`: the deployed architecture as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

EPILOG = "Example: sandbox diagram --stack production --output architecture.mmd"


def diagram(
    *,
    stack: StackOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file, not to standard output."),
    ] = None,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Draw the deployed stack as a Mermaid flow chart, which GitHub renders.

    JSON: {frame_titles, boxes, arrows}. boxes is a list of {key, title, frame, lines, of_stack},
    arrows one of {source, target, label}.
    """
    from dataclasses import asdict

    from sandbox.core.stack import Stack
    from sandbox.diagram.mermaid import mermaid
    from sandbox.diagram.picture import picture

    drawn = picture(Stack.select(stack).resources())
    text = output.json_text(asdict(drawn)) if as_json else mermaid(drawn)
    if file:
        file.write_text(text, encoding="utf-8")
        output.note(f"wrote {file}")
    else:
        output.result(text.rstrip("\n"))
