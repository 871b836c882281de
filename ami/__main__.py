"""The command line: options, what is shown, exit codes."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from rich.console import Console
from rich.table import Table

from ami import aws, build, images, pins, plan, price, progress, sweep
from ami.errors import AmiError, Interrupted, LeftoverError, PlanError
from ami.limits import Limits
from ami.stack import PulumiStack
from ami.things import Search, Thing

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".local" / "ami"
VERSION = re.compile(r"^(\w+)=(\S+)$")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Machine images of the researcher sandboxes.",
    epilog="Exit codes: 0 done, 2 wrong option, 3 nothing was made, 4 no machine, 5 set-up,"
    " 6 verification, 7 image, 8 something is left behind, 9 image not configured, 130 Ctrl-C.",
)
StackName = Annotated[
    str | None, typer.Option("--stack", help="Pulumi stack; the selected one otherwise.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def versions(values: list[str]) -> dict[str, str]:
    known = pins.settings()
    chosen: dict[str, str] = {}
    for value in values:
        match = VERSION.match(value)
        if not match or match[1] not in known:
            raise typer.BadParameter(
                f"{value}: NAME=VERSION is wanted, NAME one of {', '.join(sorted(known))}",
                param_hint="--set",
            )
        chosen[match[1]] = match[2]
    for name, version in chosen.items():
        for needed in pins.hashes(name):
            if needed not in chosen:
                raise typer.BadParameter(
                    f"{name}={version}: give {needed} too, the hash of that version's download",
                    param_hint="--set",
                )
    return chosen


@app.command(
    "build",
    epilog="Examples:  python -m ami build --dry-run  ·  python -m ami build --stack production"
    "  ·  python -m ami build --instance-type g5.xlarge --set COGAMES_VERSION=0.26.22",
)
def build_command(  # noqa: PLR0913 - one parameter an option
    *,
    stack: StackName = None,
    instance_type: Annotated[
        str | None, typer.Option(help="GPU machine to build on; the stack's default otherwise.")
    ] = None,
    base: Annotated[
        Literal["ubuntu", "dlami"],
        typer.Option(help="Plain Ubuntu 22.04, or AWS's deep learning image with its own driver."),
    ] = "ubuntu",
    ssh_key: Annotated[
        str | None,
        typer.Option(help="EC2 key pair of yours; a temporary one is made and removed otherwise."),
    ] = None,
    ssh_key_file: Annotated[
        Path | None, typer.Option(help="Private half of --ssh-key; your SSH agent otherwise.")
    ] = None,
    ssh_user: Annotated[str, typer.Option(help="The base image's user.")] = "ubuntu",
    ssh_from: Annotated[
        str | None, typer.Option(help="Address or network let in; this machine's own otherwise.")
    ] = None,
    disk: Annotated[int, typer.Option(help="Size of the root disk in GiB.")] = 150,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VERSION", help="Another version of something."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show plan and price, stop.")
    ] = False,
    keep_on_error: Annotated[
        bool, typer.Option("--keep-on-error", help="Leave a failed machine, to look at it.")
    ] = False,
) -> None:
    """Build, verify and take an image, and configure the stack with it."""
    console = Console()
    source = PulumiStack(stack, ROOT)
    facts = source.facts()
    account = aws.connect(facts.region)
    made = plan.make(
        account,
        facts,
        plan.Request(
            instance_type=instance_type,
            base=base,
            ssh_key=ssh_key,
            ssh_key_file=ssh_key_file,
            ssh_user=ssh_user,
            ssh_from=ssh_from,
            disk_gib=disk,
            versions=versions(set_ or []),
            keep_on_error=keep_on_error,
        ),
        limits=Limits(),
    )
    show(console, made)
    if dry_run:
        console.print(f"price        {price.of(account, made)}", highlight=False)
        console.print("nothing was made: this was a dry run")
        return
    with progress.shown(console) as shown:
        image = build.build(
            made, build.Tools(aws=account, stack=source, progress=shown, folder=LOGS)
        )
    console.print(
        f"\n{image} is configured in stack {facts.stack}; log and manifest:"
        f" {(LOGS / made.build_id).relative_to(ROOT)}.log, .json",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"next: pulumi up --stack {facts.stack}", highlight=False)


def show(console: Console, made: plan.Plan) -> None:
    lines = {
        "build": made.build_id,
        "account": f"{made.account} as {made.caller}",
        "stack": f"{made.facts.stack} ({made.facts.environment}, {made.facts.region})",
        "machine": f"{made.instance_type}, {made.vcpus} vCPUs, {made.gpus} GPUs,"
        f" {made.disk_gib} GiB gp3, encrypted",
        "zones": ", ".join(f"{one.zone} ({one.id})" for one in made.subnets),
        "base": f"{made.base_image} {made.base_name}",
        "ssh from": made.ssh_from,
        "image name": made.image_name,
    }
    for name, value in lines.items():
        console.print(f"{name:<12} {value}", markup=False, highlight=False, soft_wrap=True)


@app.command("list", epilog="Example:  python -m ami list --stack production")
def list_command(*, stack: StackName = None) -> None:
    """Show the stack's images, newest first."""
    source = PulumiStack(stack, ROOT)
    facts = source.facts()
    found = images.of_environment(
        aws.connect(facts.region), facts.environment, {facts.configured_image}
    )
    table = Table("image", "made", "GiB", "in use", "inside", box=None, pad_edge=False)
    for one in found:
        inside = ", ".join(f"{name} {version}" for name, version in sorted(one.versions.items()))
        table.add_row(
            one.id, f"{one.made:%Y-%m-%d %H:%M}", str(one.gib), one.in_use or "no", inside
        )
    Console().print(table if found else "no images yet: python -m ami build makes one")


@app.command(
    "clean",
    epilog="Examples:  python -m ami clean  ·  python -m ami clean --older-than 2 --yes"
    "  ·  python -m ami clean --build 20261124-101500-9f3a1c",
)
def clean_command(
    *,
    stack: StackName = None,
    older_than: Annotated[
        float, typer.Option(help="Hours since a build started; younger ones may be alive.")
    ] = 5,
    build_id: Annotated[
        str | None, typer.Option("--build", help="Only this build's things, of whatever age.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Find what dead builds left in the account, and remove it."""
    console = Console()
    facts = PulumiStack(stack, ROOT).facts()
    account = aws.connect(facts.region)
    say = lines(console)
    found = sweep.find(account, Search(), say)
    chosen = (
        [one for one in found if one.build_id == build_id]
        if build_id
        else images.dead(found, older_than=timedelta(hours=older_than))
    )
    if not chosen:
        console.print("nothing to clean")
        return
    for one in chosen:
        say(f"{one}  build {one.build_id}, started {one.since}")
    if not yes:
        typer.confirm(f"remove these {len(chosen)}?", abort=True)
    clean(account, {one.build_id for one in chosen}, say)


def clean(account: aws.Aws, builds: set[str], say: sweep.Say, limits: Limits | None = None) -> None:
    left: list[Thing] = []
    for one in sorted(builds):
        left += sweep.sweep(
            account,
            Search(one),
            limits=limits or Limits(),
            say=say,
            spare=lambda thing: thing.finished,
        )
    if left:
        commands = [f"  {one}: {one.command(account.region)}" for one in left]
        raise LeftoverError("\n".join(["left behind:", *commands]))


@app.command("prune", epilog="Example:  python -m ami prune --keep 3")
def prune_command(
    *,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest stay.")],
    stack: StackName = None,
    yes: Yes = False,
) -> None:
    """Remove old images with their snapshots, never one that is configured or running."""
    console = Console()
    source = PulumiStack(stack, ROOT)
    facts = source.facts()
    account = aws.connect(facts.region)
    found = images.of_environment(account, facts.environment, source.configured_images())
    chosen = images.to_prune(found, keep)
    say = lines(console)
    for one in found[keep:]:
        if one.in_use:
            say(f"{one.id} stays: {one.in_use}")
    if not chosen:
        console.print("nothing to prune")
        return
    for one in chosen:
        say(f"{one.id}  {one.made:%Y-%m-%d}  {one.name}, {len(one.snapshots)} snapshots")
    if not yes:
        typer.confirm(f"remove these {len(chosen)}?", abort=True)
    images.remove(account, chosen, say)


@app.command("resume", epilog="Example:  python -m ami resume ami-0123456789abcdef0")
def resume_command(*, image: str, stack: StackName = None) -> None:
    """Finish an image that was still pending when its build ended: wait, then configure it."""
    console = Console()
    source = PulumiStack(stack, ROOT)
    facts = source.facts()
    images.resume(
        aws.connect(facts.region),
        source,
        image,
        environment=facts.environment,
        limits=Limits(),
        say=lines(console),
    )
    console.print(f"{image} is configured; next: pulumi up --stack {facts.stack}", highlight=False)


def lines(console: Console) -> sweep.Say:
    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    return say


def main() -> int:
    errors = Console(stderr=True)
    try:
        app()
    except (AmiError, Interrupted) as error:
        for line in (str(error), *getattr(error, "__notes__", [])):
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except NoCredentialsError:
        problem = PlanError(["AWS credentials: none found (aws sts get-caller-identity tells)"])
        errors.print(str(problem), markup=False, highlight=False)
        return problem.exit_code
    except (BotoCoreError, ClientError) as error:
        errors.print(f"AWS: {aws.reason(error)}", markup=False, highlight=False, soft_wrap=True)
        for line in getattr(error, "__notes__", []):
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        return AmiError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
