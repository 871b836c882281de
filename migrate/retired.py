"""End the watch on Terraform's mark, once its state is retired.

What the stack manages loses the tag by `pulumi up`; what Terraform made and this program leaves
alone keeps it until --untag removes it, and nothing but it.

Example: python -m migrate.retired --stack production --untag
"""

from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra import adoption
from migrate import config, deployment
from migrate.engine import Stack
from migrate.errors import MigrationError

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command(help=__doc__)
def main(
    stack: Annotated[str, typer.Option(help="The stack that took over.")],
    *,
    untag: Annotated[
        bool, typer.Option("--untag", help="Remove Terraform=true from what was left alone.")
    ] = False,
) -> None:
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        console.print(retire(Stack.here(stack), untag=untag), markup=False, soft_wrap=True)
    except (MigrationError, BotoCoreError, ClientError) as error:
        errors.print(f"{error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def retire(stack: Stack, *, untag: bool) -> str:
    """Turn the watch off, or say what still stands in its way.

    Raises:
        MigrationError: something still carries the mark.
    """
    settings = stack.settings(config.NAMESPACE)
    marked = set(adoption.marked(settings["region"], settings["environment"]))
    managed = marked & set(deployment.ids(stack.export()).values())
    if managed:
        raise MigrationError(
            f"stack {stack.name}: {', '.join(sorted(managed))} still carry Terraform=true; the "
            f"stack is not updated yet: pulumi up --stack {stack.name}"
        )
    if marked and not untag:
        raise MigrationError(
            f"stack {stack.name}: {', '.join(sorted(marked))}, which the stack leaves alone, still "
            "carry Terraform=true; if Terraform's state is retired, add --untag"
        )
    if marked:
        ec2 = boto3.client("ec2", region_name=settings["region"])
        ec2.delete_tags(
            Resources=sorted(marked),
            Tags=[{"Key": key, "Value": value} for key, value in adoption.MARK.items()],
        )
    stack.set_config({f"{config.NAMESPACE}:{config.WATCH}": False})
    return f"Nothing carries Terraform=true; previews of {stack.name} no longer look for it."


if __name__ == "__main__":
    cli()
