"""`sandbox permissions`: what each identity can and cannot do, as a table, as documents, for real."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Show and check the permissions of each identity.")


@app.command("table")
def table(*, as_json: JsonOption = False, _quiet: QuietOption = False) -> None:
    """Print every row of the contract: who, what, and what must come of it."""
    from sandbox.permissions.table import rows

    if as_json:
        output.json_result(
            [
                {
                    "who": row.who,
                    "action": row.action,
                    "what": row.what,
                    "decision": row.decision,
                    "sentence": row.sentence,
                }
                for row in rows()
            ]
        )
    else:
        cells = [[row.who, row.action, row.what, row.decision] for row in rows()]
        output.table(("who", "action", "what", "decision"), cells)


@app.command("documents", epilog="Example: sandbox permissions documents --json -s production")
def documents(
    *,
    stack: StackOption = None,
    identity: Annotated[
        str | None, typer.Option("--identity", help="Only this identity's documents.")
    ] = None,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Print the policy documents that the stack's settings give, without an update."""
    from sandbox.core.stack import Stack
    from sandbox.permissions import identities

    selected = Stack.select(stack)
    documents_of = identities.documents(selected, identity)
    if as_json:
        output.json_result(documents_of)
    else:
        identities.show(documents_of)


@app.command("check", epilog="Example: sandbox permissions check --stack production")
def check(
    *,
    stack: StackOption = None,
    manager_profile: Annotated[
        str, typer.Option(help="AWS profile with the manager's key, to ask EC2 about launches.")
    ] = "",
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Ask AWS's own simulator every row of the contract, and EC2 the launches. Changes nothing."""
    from sandbox.core.stack import Stack
    from sandbox.permissions import check as job

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: asking the account"):
        answers = job.ask(selected, manager_profile)
    if as_json:
        output.json_result([job.as_json(answer) for answer in answers])
    else:
        job.show(answers)
    if any(answer.verdict == "broken" for answer in answers):
        raise typer.Exit(ExitCode.ATTENTION)
