"""Put the contract's table to a real account."""

from collections import Counter
from collections.abc import Sequence

from infra.aws_clients import AwsClients
from sandbox.core import output
from sandbox.core.stack import Stack
from sandbox.permissions.dry_runs import Place, dry_run
from sandbox.permissions.placeholders import world
from sandbox.permissions.simulation import Answer, simulate
from sandbox.permissions.table import rows


def ask(stack: Stack, manager_profile: str) -> Sequence[Answer]:
    """The account's answer to every row; launches are asked only with *manager_profile*."""
    settings, outputs, config = stack.settings(), stack.outputs(), stack.sandbox_config()
    aws = AwsClients(settings.region)
    caller = aws.sts.get_caller_identity()
    placeholders = world(settings, outputs, caller["Account"], caller["Arn"].split(":")[1])
    answers = list(simulate(aws.iam, rows(), placeholders, settings.model_dump()))
    if manager_profile:
        place = Place(
            image_id=config.ami_id,
            subnet_id=config.subnet_id,
            security_group_id=config.security_group_id,
            instance_profile=config.instance_profile,
            instance_type=config.default_instance_type,
            environment=settings.environment,
        )
        manager = AwsClients(settings.region, profile=manager_profile)
        answers += dry_run(manager.ec2, rows(), place)
    return answers


def show(answers: Sequence[Answer]) -> None:
    """Print the answers as a table, and their counts."""
    output.table(
        ("who", "action", "what", "expected", "answer", "why"),
        [
            [answer.row.who, answer.row.action, answer.row.what, answer.row.decision]
            + [answer.verdict, answer.why]
            for answer in answers
        ],
    )
    counts = Counter(answer.verdict for answer in answers)
    output.note(
        f"{counts['holds']} hold, {counts['broken']} broken, {counts['not asked']} not asked"
    )


def as_json(answer: Answer) -> dict[str, str]:
    """*answer* for a program."""
    row = answer.row
    return {
        "who": row.who,
        "action": row.action,
        "what": row.what,
        "expected": row.decision,
        "answer": answer.verdict,
        "why": answer.why,
    }
