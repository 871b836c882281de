"""`sandbox costs`: what the sandboxes cost, by user."""

from typing import Annotated

import typer

from infra import names
from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import JsonOption, QuietOption

EPILOG = "Example: sandbox costs --month 2026-11 --json"


def costs(
    *,
    month: Annotated[
        str | None, typer.Option(help="The month, for example 2026-11. Default: the current one.")
    ] = None,
    by: Annotated[str, typer.Option(help="The tag to group by.")] = names.USER_TAG,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show the project's cost in a month, by user. AWS charges 0.01 US dollars a request.

    Exit code 10 says that AWS cannot group the costs, since a cost allocation tag is not active.

    JSON: {project, month, tag, currency, costs, unsettled, unsettled_days, inactive_tags,
    tags_unreadable}. The amounts, by value of the tag, are text. unsettled is the part that AWS may
    still change.
    """
    from infra.aws_clients import US_EAST_1, AwsClients
    from sandbox.costs import report

    first_day, end = report.period(month, today=report.today())
    with output.progress("asking Cost Explorer"):
        bill = report.read(AwsClients(US_EAST_1).cost_explorer, by, first_day, end)
    if as_json:
        output.json_result(report.as_json(bill, by, first_day))
    else:
        report.show(bill, by, first_day)
    if bill.inactive_tags:
        raise typer.Exit(ExitCode.ATTENTION)
