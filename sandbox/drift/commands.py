"""`sandbox drift`: where the account differs from the program."""

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption

EPILOG = "Example: sandbox drift --stack production --json"


def drift(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Compare the account with the program, and name what others attached to the stack.

    differs: a setting in AWS is not as the program says. missing: somebody deleted a resource.
    unmanaged: somebody attached something to a resource of the stack: a rule to the security
    group, a policy to the manager, a subnet to the VPC. Exit code 10 says that there is any.

    JSON: {differing, missing, unmanaged}: lists of {operation, type, name}, of {type, name, id}
    and of text.
    """
    from sandbox.core.stack import Stack
    from sandbox.drift import comparison

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: comparing the account with the program"):
        drifted = comparison.compare(selected)
    if as_json:
        output.json_result(comparison.as_json(drifted))
    else:
        for line in comparison.lines(drifted):
            output.result(line)
    if drifted:
        output.note(
            f"stack {selected.name}: {comparison.counts(drifted)}; pulumi up --stack "
            f"{selected.name} restores what differs or is missing; remove what is unmanaged, or "
            "add it to the program"
        )
        raise typer.Exit(ExitCode.ATTENTION)
    output.note(f"stack {selected.name}: the account agrees with the program")
