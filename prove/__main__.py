"""`python -m prove`: the permissions' contract, asked of an account or printed."""

import json
from typing import Annotated, Any, NoReturn

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from infra import names
from infra.cli import CommandError, pulumi
from infra.settings import NAMESPACE, Settings, SettingsError, parse
from prove import docs as documentation
from prove.account import Answer, simulate
from prove.launches import Place, dry_run
from prove.table import World, rows
from prove.world import world

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Stack = Annotated[str, typer.Option(help="the Pulumi stack of the account")]
Profile = Annotated[str, typer.Option(help="AWS profile with the manager's key, for launches")]


@app.command()
def docs() -> None:
    """Print docs/permissions.md."""
    typer.echo(documentation.text(), nl=False)


@app.command()
def account(stack: Stack = "production", manager_profile: Profile = "") -> None:
    """Put the table to a real account; nothing is changed."""
    try:
        settings, outputs = _stack(stack)
        answers = _ask(settings, outputs, manager_profile)
    except (ClientError, BotoCoreError, SettingsError) as error:
        _stop(one_line(error))
    _show(answers)
    if any(answer.verdict == "broken" for answer in answers):
        raise typer.Exit(1)


def _ask(settings: Settings, outputs: dict[str, Any], manager_profile: str) -> list[Answer]:
    manager = boto3.Session(profile_name=manager_profile or None, region_name=settings.region)
    who = boto3.client("sts", region_name=settings.region).get_caller_identity()
    own: World = world(settings, outputs, who["Account"], who["Arn"].split(":")[1])
    iam = boto3.client("iam", region_name=settings.region)
    answers = list(simulate(iam, rows(), own, settings.model_dump()))
    if manager_profile:
        answers += dry_run(manager.client("ec2"), rows(), _place(settings, outputs))
    return answers


def _place(settings: Settings, outputs: dict[str, Any]) -> Place:
    config = outputs["sandbox_config"]
    return Place(
        image_id=config["ami_id"],
        subnet_id=config["subnet_id"],
        security_group_id=config["security_group_id"],
        instance_profile=config["instance_profile"],
        instance_type=config["default_instance_type"],
        environment=settings.environment,
    )


def _stack(stack: str) -> tuple[Settings, dict[str, Any]]:
    config = _pulumi(stack, "config")
    raw = {
        key.removeprefix(f"{NAMESPACE}:"): value["value"]
        for key, value in config.items()
        if key.startswith(f"{NAMESPACE}:")
    }
    outputs = _pulumi(stack, "stack", "output")
    if "sandbox_config" not in outputs:
        _stop(f"stack {stack}: has no outputs; run pulumi up first")
    return parse(raw), outputs


def _pulumi(stack: str, *words: str) -> dict[str, Any]:
    try:
        return json.loads(pulumi(*words, "--json", stack=stack))
    except CommandError as error:
        _stop(f"stack {stack}: {error}")


def _show(answers: list[Answer]) -> None:
    console = Console()
    table = Table("who", "what", "expected", "answer", "why", title=names.PROJECT)
    for answer in answers:
        row = answer.row
        action = "launch" if row.is_launch else row.body["do"]
        table.add_row(row.who, f"{action}: {row.what}", row.decision, answer.verdict, answer.why)
    console.print(table)
    counts = [
        f"{sum(answer.verdict == verdict for answer in answers)} {words}"
        for verdict, words in (("holds", "hold"), ("broken", "broken"), ("not asked", "not asked"))
    ]
    console.print(", ".join(counts))


def one_line(error: Exception) -> str:
    if isinstance(error, ClientError):
        operation, code = error.operation_name, error.response.get("Error", {}).get("Code", "")
        if code == "AccessDenied" and operation == "SimulatePrincipalPolicy":
            return f"{operation}: AccessDenied: use a key that may simulate, not the manager's"
        return f"{operation}: {code}: {error.response.get('Error', {}).get('Message', '')}"
    return " ".join(str(error).split())


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
