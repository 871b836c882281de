"""The command line: ``python -m handover --help``."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from handover import diagram as drawing
from handover import secret as kubernetes
from handover.errors import HandoverError, NotYetError
from handover.picture import picture
from handover.rotate import Rotation, is_older
from handover.stack import Stack
from infra import names
from infra.outputs import SandboxConfig

NOT_YET: Final = 3
"""The exit code for: nothing is wrong, run the same command again later."""
Name = Annotated[str | None, typer.Option("--stack", help="The stack; the selected one if unset.")]
Namespace = Annotated[str, typer.Option(help="The service's Kubernetes namespace.")]
Context = Annotated[str | None, typer.Option(help="The cluster, as kubectl names it.")]
Restart = Annotated[
    list[str] | None,
    typer.Option(help="What reads the secret, as in deployment/sandbox-manager; repeatable."),
]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
notes = Console(stderr=True, soft_wrap=True, highlight=False)


@contextmanager
def one_line_errors() -> Generator[None]:
    """End with an exit code and one line, as every command here."""
    # imported here: boto3 costs half a second, and not every command needs it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except NotYetError as waiting:
        notes.print(str(waiting), markup=False)
        raise typer.Exit(NOT_YET) from None
    except (HandoverError, BotoCoreError, ClientError) as error:
        notes.print(f"error: {error}", markup=False, style="red")
        raise typer.Exit(1) from None


@app.command()
def secret(  # noqa: PLR0913 - each is an option of the command
    stack: Name = None,
    namespace: Namespace = "default",
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Give it to kubectl yourself.")] = False,
    context: Context = None,
    restart: Restart = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print the secret even to a terminal.")
    ] = False,
) -> None:
    """Render the Kubernetes secret with the manager's current key."""
    with one_line_errors():
        if not apply and sys.stdout.isatty() and not show_secrets:
            raise HandoverError(
                "standard output is a terminal, which would show the secret: pipe it "
                "(| kubectl apply -f -), or use --apply, or ask for it with --show-secrets"
            )
        text = kubernetes.manifest(Stack(stack).outputs(secrets=True), namespace=namespace)
        if apply:
            kubernetes.apply(text, namespace=namespace, context=context, restart=restart or [])
            notes.print(f"secret {kubernetes.NAME} is applied to namespace {namespace}")
        else:
            sys.stdout.write(text)


@app.command()
def rotate(  # noqa: PLR0913 - each is an option of the command
    stack: Name = None,
    namespace: Namespace = "default",
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Give each new current key to kubectl.")
    ] = False,
    context: Context = None,
    restart: Restart = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Hand the old key out again, until it is deleted.")
    ] = False,
    older_than_days: Annotated[
        int, typer.Option(help="Begin a rotation only if the key is at least this old.")
    ] = 0,
    grace_hours: Annotated[
        float, typer.Option(help="How long the old key is unused, then off, before it goes on.")
    ] = 4.0,
    wait: Annotated[bool, typer.Option("--wait", help="Wait here instead of ending.")] = False,
    poll_seconds: Annotated[float, typer.Option(help="How often --wait looks.")] = 60.0,
) -> None:
    """Replace the manager's key without a gap; run it again until it says that it is done.

    Exit code 3 says that time has to pass first. Each step can be interrupted.
    """
    with one_line_errors():
        import boto3  # noqa: PLC0415 - as above

        own = Stack(stack)

        def hand_over() -> None:
            text = kubernetes.manifest(own.outputs(secrets=True), namespace=namespace)
            kubernetes.apply(text, namespace=namespace, context=context, restart=restart or [])

        rotation = Rotation(
            stack=own,
            iam=boto3.client("iam"),
            hand_over=hand_over if apply else None,
            say=lambda text: notes.print(text, markup=False),
            grace=timedelta(hours=grace_hours),
            poll=timedelta(seconds=poll_seconds) if wait else None,
        )
        if rollback:
            rotation.roll_back()
        elif is_older(own, timedelta(days=older_than_days), now=datetime.now(UTC)):
            rotation.run()
        else:
            notes.print(f"the key is younger than {older_than_days} days: nothing to do")


@app.command()
def status(
    stack: Name = None,
    *,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Leave out what differs from the program, which takes seconds."
        ),
    ] = False,
) -> None:
    """Show the stack at a glance; exit code 1 where somebody should act."""
    with one_line_errors():
        import boto3  # noqa: PLC0415 - as above

        from handover import status as glance  # noqa: PLC0415 - as above

        own = Stack(stack)
        config = own.sandbox_config()
        ec2 = boto3.client("ec2", region_name=config.region)
        lines = glance.read(own, ec2, config, quick=quick)
        Console().print(glance.table(lines))
        if not all(one.good for one in lines):
            raise typer.Exit(1)


@app.command()
def costs(
    month: Annotated[str | None, typer.Option(help="As in 2026-11; the current one.")] = None,
    by: Annotated[str, typer.Option(help="The tag to group by.")] = names.USER_TAG,
) -> None:
    """What the project costs in a month, per user. One question to AWS costs 0.01 US dollars."""
    with one_line_errors():
        import boto3  # noqa: PLC0415 - as above

        from handover import costs as bill  # noqa: PLC0415 - as above

        first, end = bill.month(month, today=bill.today())
        ce = boto3.client("ce", region_name="us-east-1")
        Console().print(bill.table(bill.read(ce, by, first, end), by, first))


@app.command()
def diagram(
    stack: Name = None,
    to: Annotated[Path, typer.Option(help="The folder of the files.")] = Path("docs"),
) -> None:
    """Draw the architecture from the deployed stack, as Mermaid and as SVG."""
    with one_line_errors():
        drawing.write(picture(Stack(stack).resources()), to)
        notes.print(f"wrote architecture.mmd and .svg to {to}")


@app.command()
def config(stack: Name = None) -> None:
    """Print sandbox_config as JSON, for SANDBOX_CONFIG or a mounted file. It holds no secret."""
    with one_line_errors():
        sys.stdout.write(Stack(stack).sandbox_config().model_dump_json(indent=2) + "\n")


@app.command()
def schema() -> None:
    """Print the JSON schema of sandbox_config, as docs/sandbox_config.schema.json holds it."""
    sys.stdout.write(json.dumps(SandboxConfig.model_json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    app()
