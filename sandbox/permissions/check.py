"""Ask a real account every row of the contract."""

from collections import Counter
from collections.abc import Sequence

from infra.account import AccountIdentity
from infra.aws_clients import AwsClients
from sandbox.core import output
from sandbox.core.stack import Stack
from sandbox.permissions import placeholders
from sandbox.permissions.dry_runs import LaunchTarget, dry_run
from sandbox.permissions.simulation import RowAnswer, simulate
from sandbox.permissions.table import rows


def ask(stack: Stack, manager_profile: str) -> Sequence[RowAnswer]:
    """The account's answer to every row; EC2 is asked only with *manager_profile*.

    Raises:
        SandboxError: the stack is not up, or the credentials may not use the simulator.
    """
    settings, config = stack.settings(), stack.sandbox_config()
    aws = stack.aws_of(config)
    account = AccountIdentity.of_arn(aws.sts.get_caller_identity()["Arn"])
    values = placeholders.of_stack(settings, stack.outputs(), account)
    answers = list(simulate(aws.iam, rows(), values, settings))
    if manager_profile:
        manager = AwsClients(settings.region, profile=manager_profile)
        answers += dry_run(manager.ec2, rows(), LaunchTarget.of_config(config))
    return answers


def show(answers: Sequence[RowAnswer]) -> None:
    """Print the rows that are broken or without an answer, why rows were not asked, and counts."""
    if to_show := [answer for answer in answers if answer.verdict in {"broken", "no answer"}]:
        output.table(
            ("who", "action", "what", "expected", "result", "why"),
            [list(to_json(answer).values()) for answer in to_show],
        )
    for why, count in Counter(
        answer.why for answer in answers if answer.verdict == "not asked"
    ).most_common():
        output.note(f"{count} rows not asked: {why}")
    counts = Counter(answer.verdict for answer in answers)
    output.result(
        f"{len(answers)} rows: {counts['holds']} hold, {counts['broken']} broken, "
        f"{counts['no answer']} without an answer, {counts['not asked']} not asked"
    )


def to_json(answer: RowAnswer) -> dict[str, str]:
    """*answer* for a program."""
    row = answer.row
    return {
        "who": row.who,
        "action": row.action,
        "what": row.what,
        "expected": row.decision,
        "result": answer.verdict,
        "why": answer.why,
    }
