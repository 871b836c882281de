"""`sandbox adopt`: take over the resources of the replaced Terraform module, without a change."""

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.adopt.answers import MACHINES, PERMISSIONS, TAGS
from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

if TYPE_CHECKING:
    from sandbox.adopt.questions import Answers

app = typer.Typer(
    no_args_is_help=True, help="Adopt an environment of the replaced Terraform module."
)
StateFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="STATE...",
        help="Terraform's state file, version 4; - reads standard input. Name the cluster's state "
        "too, if that holds the manager.",
    ),
]
RotateKey = Annotated[
    bool,
    typer.Option(
        "--rotate-key", help="Let the next update create a second access key beside the old one."
    ),
]
DropTags = Annotated[bool, typer.Option(TAGS.option, help=TAGS.yes)]
DropPermissions = Annotated[bool, typer.Option(PERMISSIONS.option, help=PERMISSIONS.yes)]
LeaveMachines = Annotated[bool, typer.Option(MACHINES.option, help=MACHINES.yes)]


@app.command("check", epilog="Example: terraform state pull | sandbox adopt check - -s production")
def check(
    statefiles: StateFiles,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    drop_tags: DropTags = False,
    drop_permissions: DropPermissions = False,
    leave_machines: LeaveMachines = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show what would be adopted, and what the next update would change. Writes nothing.

    Exit code 3 says that the next update would disturb the running environment, or that you have to
    decide something first.

    JSON: {stack, adopted, left_alone, machines, launch, settings, refused_settings, changes,
    questions, verdict}, as docs/adoption.md explains them.
    """
    from sandbox.adopt import report, run
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    adoption = run.adopt_state(
        statefiles,
        selected,
        rotate_key=rotate_key,
        answers=_answers(drop_tags, drop_permissions, leave_machines, ask=False),
        check_only=True,
    )
    if as_json:
        output.json_result(report.as_json(adoption, selected.name))
    else:
        report.show(adoption)
    run.require_sound(adoption, selected.name)
    output.note("checked; nothing was written")


@app.command("apply", epilog="Example: sandbox adopt apply terraform.tfstate --stack production")
def apply(
    statefiles: StateFiles,
    *,
    stack: StackOption = None,
    rotate_key: RotateKey = False,
    drop_tags: DropTags = False,
    drop_permissions: DropPermissions = False,
    leave_machines: LeaveMachines = False,
    _quiet: QuietOption = False,
) -> None:
    """Write the stack's config and state for the running resources. Changes nothing in AWS.

    Asks the questions that no option answers; without a terminal it ends with 3.
    """
    from sandbox.adopt import report, run
    from sandbox.core.stack import Stack

    selected = Stack.select(stack)
    adoption = run.adopt_state(
        statefiles,
        selected,
        rotate_key=rotate_key,
        answers=_answers(drop_tags, drop_permissions, leave_machines, ask=True),
        check_only=False,
    )
    report.show(adoption)
    run.require_sound(adoption, selected.name)
    if adoption.written:
        output.note(
            f"adopted; nothing in AWS has changed; next: pulumi up --stack {selected.name}, then "
            "retire Terraform's state (docs/adoption.md)"
        )
    else:
        output.note("already adopted; nothing was written")


def _answers(
    drop_tags: bool,  # noqa: FBT001 - one for each option
    drop_permissions: bool,  # noqa: FBT001 - as above
    leave_machines: bool,  # noqa: FBT001 - as above
    *,
    ask: bool,
) -> "Answers":
    from sandbox.adopt.questions import Answers

    given = ((TAGS, drop_tags), (PERMISSIONS, drop_permissions), (MACHINES, leave_machines))
    return Answers(given=frozenset(answer.option for answer, yes in given if yes), ask=ask)


@app.command(
    "addresses",
    epilog="Example: terraform state pull | sandbox adopt addresses - | tr '\\n' '\\0' | "
    "xargs -0 terraform state rm",
)
def addresses(
    statefiles: StateFiles, *, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """List the addresses of the first state that Terraform may forget, and no others.

    They are what the stack has adopted, and what AWS makes with a VPC. All else is your own.

    JSON: a list of addresses.
    """
    from sandbox.adopt import run

    forgettable = run.forgettable(statefiles)
    if as_json:
        output.json_result(forgettable)
        return
    for address in forgettable:
        output.result(address)


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
