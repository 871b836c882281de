"""`sandbox adopt`: take over the resources of the replaced Terraform module, without a change."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(
    no_args_is_help=True, help="Adopt an environment of the replaced Terraform module."
)
StateFile = Annotated[
    str,
    typer.Argument(
        metavar="STATE", help="Terraform's state file, version 4; - reads standard input."
    ),
]
RotateKey = Annotated[
    bool,
    typer.Option(
        "--rotate-key", help="Let the next update create a second access key beside the old one."
    ),
]


@app.command("check", epilog="Example: terraform state pull | sandbox adopt check - -s production")
def check(
    statefile: StateFile,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show what would be adopted, and what the next update would change. Writes nothing.

    Exit code 3 says that the next update would disturb the running environment.

    JSON: {stack, adopted, left_alone, settings, refused_settings, changes, verdict}, as
    docs/adoption.md explains them.
    """
    from sandbox.adopt import report, run
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    adoption = run.adopt_state(statefile, selected, rotate_key=rotate_key, check_only=True)
    if as_json:
        output.json_result(report.as_json(adoption, selected.name))
    else:
        report.show(adoption)
    run.require_sound(adoption, selected.name)
    output.note("checked; nothing was written")


@app.command("apply", epilog="Example: sandbox adopt apply terraform.tfstate --stack production")
def apply(
    statefile: StateFile,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    _quiet: QuietOption = False,
) -> None:
    """Write the stack's config and state for the running resources. Changes nothing in AWS."""
    from sandbox.adopt import report, run
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    adoption = run.adopt_state(statefile, selected, rotate_key=rotate_key, check_only=False)
    report.show(adoption)
    run.require_sound(adoption, selected.name)
    if adoption.written:
        output.note(
            f"adopted; nothing in AWS has changed; next: pulumi up --stack {selected.name}, then "
            "retire Terraform's state (docs/adoption.md)"
        )
    else:
        output.note("already adopted; nothing was written")


@app.command("finish", epilog="Example: sandbox adopt finish --stack production --untag")
def finish(
    *,
    stack: StackOption = None,
    untag: Annotated[
        bool,
        typer.Option(
            "--untag", help="Remove Terraform=true from the resources that were left alone."
        ),
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    """End the warning about the tag Terraform=true, after Terraform's state is retired."""
    from sandbox.adopt import finish as finish_module
    from sandbox.core.stack import Stack

    finish_module.finish(Stack.select(stack), untag=untag)
    output.note(finish_module.DONE)
