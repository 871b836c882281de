"""`sandbox zones`: pin the availability zones of a stack."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Choose the availability zones of a stack.")


@app.callback()
def options() -> None:
    """Choose the availability zones of a stack."""


@app.command("propose", epilog="Example: sandbox zones propose --stack production --write")
def propose(
    *,
    stack: StackOption = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the proposal into the stack's config.")
    ] = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Propose a slot for every zone that offers the stack's default instance type.

    A zone that has a slot keeps it, whether the config names it or a subnet is there already.
    """
    from sandbox.core.stack import Stack
    from sandbox.zones import proposal

    selected = Stack.select(stack)
    with output.progress("asking AWS for the zones"):
        slots = proposal.for_stack(selected)
    if write:
        proposal.write(selected, slots)
        output.note(f"wrote {len(slots)} zones into the config of stack {selected.name}")
    if as_json:
        output.json_result({slot.zone: slot.number for slot in slots})
    else:
        output.result(f"{proposal.KEY}:")
        for slot in slots:
            output.result(f"  {slot.zone}: {slot.number}{slot.comment}")
