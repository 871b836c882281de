"""`sandbox drift`: where the account differs from the program."""

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption


def drift(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Compare the account with the program, and name what others attached to the stack.

    `pulumi preview --refresh` compares what the program manages. It cannot see what others
    attached to it: a rule in the security group, a policy on the manager, a subnet in the VPC.
    Exit code 10 says that there is either.
    """
    from sandbox.core.stack import Stack
    from sandbox.drift.unmanaged import unmanaged

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: comparing the account with the program"):
        changes = [str(change) for change in selected.changes("--refresh")]
    with output.progress(f"stack {selected.name}: looking for what others attached"):
        attached = sorted(unmanaged(selected.aws(), selected.resources()))
    if as_json:
        output.json_result({"changes": changes, "unmanaged": attached})
    else:
        for change in changes:
            output.result(f"differs: {change}")
        for line in attached:
            output.result(f"unmanaged: {line}")
    if changes or attached:
        output.note(
            f"run pulumi up --stack {selected.name} to restore what differs; remove what is "
            "unmanaged, or add it to the program"
        )
        raise typer.Exit(ExitCode.ATTENTION)
    output.note(f"stack {selected.name}: the account is as the program says")
