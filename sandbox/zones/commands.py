"""`sandbox zones`: pin the availability zones of a stack."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True)


@app.callback()
def options() -> None:
    """Choose the availability zones of a stack."""


@app.command("propose", epilog="Example: sandbox zones propose --stack production --write")
def propose(
    *,
    stack: StackOption = None,
    every_zone: Annotated[
        bool, typer.Option("--all", help="Every zone of the region, not only the first three.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the proposal into the stack's config.")
    ] = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Propose a slot for each zone that offers the stack's default instance type.

    A zone that has a slot keeps it, whether the config names it or a subnet is there already.

    JSON: the slot of each zone, by the zone's name.
    """
    from sandbox.core.stack import Stack
    from sandbox.zones import proposal

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: asking AWS for the zones"):
        slots = proposal.for_stack(selected, every_zone=every_zone)
    if as_json:
        output.json_result({slot.zone: slot.number for slot in slots})
    else:
        output.result(f"{proposal.KEY}:")
        for slot in slots:
            comment = f"  # {slot.comment}" if slot.comment else ""
            output.result(f"  {slot.zone}: {slot.number}{comment}")
    if write:
        proposal.write(selected, slots)
        output.note(f"wrote {proposal.KEY} into {selected.config_file}")
