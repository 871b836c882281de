"""Adopt what the replaced Terraform module made into a stack of this program, unchanged.

Examples: terraform state pull | python -m migrate - --stack production --check
          python -m migrate terraform.tfstate --stack production
"""

from typing import Annotated

import typer
from rich.console import Console

from infra import names
from migrate import account, config, logs, mapping, report, state
from migrate.adopt import Adoption, adopt
from migrate.engine import Stack
from migrate.errors import MigrationError

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command(help=__doc__)
def main(
    statefile: Annotated[str, typer.Argument(help="Terraform's state, version 4; - reads a pipe.")],
    stack: Annotated[str, typer.Option(help="The Pulumi stack that takes over.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Only tell; write nothing.")] = False,
    rotate_key: Annotated[
        bool,
        typer.Option("--rotate-key", help="The next update makes a new key beside the old one."),
    ] = False,
) -> None:
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        old = state.read(statefile)
        plan = mapping.plan(old, rotate_key=rotate_key)
        target = Stack.here(stack)
        region = config.region_of(plan.place.vpc)
        account.require(config.account_of(old, plan), region, old.where)
        standing = target.settings(config.NAMESPACE)
        prefix = {**standing, **config.settings_of(old, plan)}["log_prefix"]
        plan = logs.with_group(plan, region, names.instance_log_group(prefix))
        report.show_mapping(console, plan)
        with errors.status("") as status:
            done = adopt(old, plan, target, standing, check=check, say=status.update)
        report.show_settings(console, done.settings, written=done.written)
        report.show_preview(console, done.verdict)
        _conclude(console, done, stack, check=check)
    except MigrationError as error:
        errors.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _conclude(console: Console, done: Adoption, stack: str, *, check: bool) -> None:
    if done.verdict.objections:
        raise MigrationError(
            f"stack {stack}: not sound: {'; '.join(done.verdict.objections)}"
            + ("" if done.written or not done.missing else "; nothing was written")
        )
    if check:
        console.print("Checked; nothing was written.")
    elif done.written:
        console.print(
            f"Adopted. Nothing in the account has changed. Next: pulumi up --stack {stack}, then "
            "retire Terraform's state (docs/migration.md).",
            soft_wrap=True,
        )
    else:
        console.print("Adopted before; nothing was written.")


if __name__ == "__main__":
    cli()
