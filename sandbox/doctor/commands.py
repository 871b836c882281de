"""`sandbox doctor`: whether this machine, the stack and the account are ready."""

import typer

from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption, StackOption

EPILOG = "Example: sandbox doctor --stack production"


def doctor(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Check pulumi, the credentials, the stack and the account. Changes nothing.

    One line for each check, with the cure. ok: nothing to do. note: good to know. act: something
    does not work; exit code 10 says that there is any. One request to Cost Explorer costs 0.01
    US dollars.

    JSON: a list of {check, status, details, cure}.
    """
    from sandbox.doctor import examination

    with output.progress("checking pulumi, the credentials, the stack and the account"):
        findings = examination.examine(stack)
    if as_json:
        output.json_result([finding.as_json() for finding in findings])
    else:
        output.table(examination.COLUMNS, [finding.row() for finding in findings])
    if any(finding.status == "act" for finding in findings):
        raise typer.Exit(ExitCode.ATTENTION)
