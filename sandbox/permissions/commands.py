"""`sandbox permissions`: the permissions of each identity as a table, as documents, and checked."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Show and check the permissions of each identity.")


@app.command("table", epilog="Example: sandbox permissions table --json")
def table(*, as_json: JsonOption = False, _quiet: QuietOption = False) -> None:
    """Print the contract: every action with the identity, the resource and the decision.

    JSON: a list of {who, action, what, decision, sentence}.
    """
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


@app.command("documents", epilog="Example: sandbox permissions documents --json --stack production")
def documents(
    *,
    stack: StackOption = None,
    identity: Annotated[
        str | None,
        typer.Option("--identity", metavar="NAME", help="Print only this identity's documents."),
    ] = None,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Print the policy documents that follow from the stack's settings. Needs no update.

    A stack that is up needs no AWS credentials. For any other stack the account is that of your
    credentials, and the VPC's id is a placeholder.

    JSON: by the name of the identity, {policies, boundary, trust}. policies is a list of documents;
    boundary and trust are a document, or null.
    """
    from sandbox.core.stack import Stack
    from sandbox.permissions import identities

    documents_by_identity = identities.documents(Stack.select(stack), identity)
    if as_json:
        output.json_result(documents_by_identity)
    else:
        identities.show(documents_by_identity)


@app.command("check", epilog="Example: sandbox permissions check --stack production")
def check(
    *,
    stack: StackOption = None,
    manager_profile: Annotated[
        str,
        typer.Option(
            metavar="PROFILE", help="AWS profile with the manager's key: asks EC2 about launches."
        ),
    ] = "",
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Ask IAM's simulator in the stack's account every row of the contract. Changes nothing.

    Ends with 10 if a row is broken, with 11 if AWS gave no answer to some rows.

    JSON: a list of {who, action, what, expected, result, why}.
    """
    from sandbox.core.stack import Stack
    from sandbox.permissions.check import ask, show, to_json

    selected = Stack.select(stack)
    with output.progress(f"stack {selected.name}: asking IAM's simulator"):
        answers = ask(selected, manager_profile)
    if as_json:
        output.json_result([to_json(answer) for answer in answers])
    else:
        show(answers)
    verdicts = {answer.verdict for answer in answers}
    if "broken" in verdicts:
        raise typer.Exit(ExitCode.ATTENTION)
    if "no answer" in verdicts:
        raise typer.Exit(ExitCode.NOT_YET)


@app.command("prove", epilog="Example: sandbox permissions prove")
def prove(
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="NAME",
            help="Only this stack's settings. Default: the defaults and each setting that matters.",
        ),
    ] = None,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Prove each sentence about the permissions for every request there can be.

    A solver searches for a request that breaks the sentence, and prints it as a row of the
    contract. Ends with 10 if it finds one. Needs neither a stack nor an account.

    JSON: a list of {claim, who, kind, sentence, held_by, result, stacks, seconds, hole, broken}.
    broken is a list of {settings, holder, answer, why, row}.
    """
    from sandbox.core.stack import Stack
    from sandbox.permissions.prove import is_surprising, proofs, show, to_json

    selected = Stack.select(stack) if stack else None
    with output.progress("proving the claims"):
        all_proofs = proofs(selected)
    if as_json:
        output.json_result([to_json(proof) for proof in all_proofs])
    else:
        show(all_proofs)
    if any(map(is_surprising, all_proofs)):
        raise typer.Exit(ExitCode.ATTENTION)
