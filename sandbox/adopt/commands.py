"""`sandbox adopt`: take over what the replaced Terraform module created, without touching it."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Adopt what the replaced Terraform module created.")
StateFile = Annotated[
    str,
    typer.Argument(
        metavar="STATE", help="Terraform's state file, version 4; - reads standard input."
    ),
]
RotateKey = Annotated[
    bool,
    typer.Option("--rotate-key", help="Let the next update create a new key beside the old one."),
]


@app.command("check", epilog="Example: terraform state pull | sandbox adopt check - -s production")
def check(
    statefile: StateFile,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    _quiet: QuietOption = False,
) -> None:
    """Show what would be adopted and what the next update would change. Writes nothing."""
    from sandbox.adopt import run

    run.adopt_state(statefile, stack, rotate_key=rotate_key, check=True)
    output.note("checked; nothing was written")


@app.command("apply", epilog="Example: sandbox adopt apply terraform.tfstate --stack production")
def apply(
    statefile: StateFile,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    _quiet: QuietOption = False,
) -> None:
    """Write the stack's config and state, so that it stands for what is there. Changes nothing."""
    from sandbox.adopt import run

    done = run.adopt_state(statefile, stack, rotate_key=rotate_key, check=False)
    if done.written:
        output.note(
            "adopted; nothing in the account has changed; next: pulumi up, then retire "
            "Terraform's state (docs/adoption.md)"
        )
    else:
        output.note("adopted before; nothing was written")


@app.command("finish", epilog="Example: sandbox adopt finish --stack production --untag")
def finish(
    *,
    stack: StackOption = None,
    untag: Annotated[
        bool, typer.Option("--untag", help="Remove Terraform=true from what was left alone.")
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    """Stop warning about the tag Terraform=true, once Terraform's state is retired."""
    from sandbox.adopt import finish as job
    from sandbox.core.stack import Stack

    output.note(job.finish(Stack.select(stack), untag=untag))
