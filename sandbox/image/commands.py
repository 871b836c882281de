"""`sandbox image`: build the machine image of the sandboxes, list and remove images."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption, YesOption

app = typer.Typer(no_args_is_help=True, help="Build the sandboxes' machine image, list and remove.")


@app.command(
    "build",
    epilog="Examples: sandbox image build --dry-run · sandbox image build --stack production · "
    "sandbox image build --instance-type g5.xlarge --set COGAMES_VERSION=0.26.22",
)
def build(
    *,
    stack: StackOption = None,
    instance_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="GPU machine to build on. Default: the stack's."),
    ] = None,
    base: Annotated[
        Literal["ubuntu", "dlami"],
        typer.Option(help="Ubuntu 22.04, or AWS's deep learning image with its own driver."),
    ] = "ubuntu",
    ssh_key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="An EC2 key pair of yours. Default: a temporary one."),
    ] = None,
    ssh_key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The private key of --ssh-key. Default: your SSH agent."),
    ] = None,
    ssh_user: Annotated[
        str, typer.Option(metavar="USER", help="The user of the base image.")
    ] = "ubuntu",
    ssh_from: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK", help="Who may reach port 22. Default: this machine's address."
        ),
    ] = None,
    disk: Annotated[int, typer.Option(metavar="GIB", help="Size of the root disk.")] = 150,
    disk_iops: Annotated[
        int, typer.Option(metavar="NUMBER", help="IOPS of the disk during the build.")
    ] = 6000,
    disk_throughput: Annotated[
        int, typer.Option(metavar="MIB", help="MiB/s of the disk during the build.")
    ] = 1000,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VERSION", help="Install another version; may be repeated."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show plan and price, then end.")
    ] = False,
    keep_on_error: Annotated[
        bool, typer.Option("--keep-on-error", help="Keep a machine that failed, to look at it.")
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    """Build and verify an image, and configure the stack with it. Takes about 45 minutes.

    Everything else that the build creates is removed again, also after an error or Ctrl-C.
    """
    from ami.plan import BuildOptions
    from sandbox.core.stack import Stack
    from sandbox.image import job, versions

    options = BuildOptions(
        instance_type=instance_type,
        base=base,
        ssh_key=ssh_key,
        ssh_key_file=ssh_key_file,
        ssh_user=ssh_user,
        ssh_from=ssh_from,
        disk_gib=disk,
        disk_iops=disk_iops,
        disk_throughput=disk_throughput,
        versions=versions.parse(set_ or []),
        keep_on_error=keep_on_error,
    )
    job.build(Stack.select(stack), options, dry_run=dry_run)


@app.command("list", epilog="Example: sandbox image list --stack production --json")
def list_images(
    *, stack: StackOption = None, as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Show the images of the stack's environment, the newest first.

    An image is in use if the stack's config names it, or if an instance was launched from it.

    JSON: a list of {id, name, created, state, size_gib, in_use, build_id, snapshots, versions}.
    """
    from sandbox.core.stack import Stack
    from sandbox.image import job, listing

    images = job.images_of(Stack.select(stack))
    if as_json:
        output.json_result([listing.as_json(image) for image in images])
    elif images:
        output.table(listing.COLUMNS, [listing.row(image) for image in images])
    else:
        output.note("there is no image yet; build one with: sandbox image build")


@app.command("prune", epilog="Example: sandbox image prune --keep 3")
def prune(
    *,
    keep: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="How many of the newest images stay.")
    ],
    stack: StackOption = None,
    yes: YesOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Remove old images with their snapshots.

    An image stays if any stack of the project names it, or if an instance was launched from it.
    """
    from sandbox.core.stack import Stack
    from sandbox.image import job

    job.prune(Stack.select(stack), keep=keep, yes=yes)


@app.command(
    "clean",
    epilog="Examples: sandbox image clean · sandbox image clean --older-than 2 --yes · "
    "sandbox image clean --build 20261124-101500-9f3a1c",
)
def clean(
    *,
    stack: StackOption = None,
    older_than: Annotated[
        float,
        typer.Option(
            min=0, metavar="HOURS", help="Leave builds alone that started later; they may run."
        ),
    ] = 8,
    build_id: Annotated[
        str | None,
        typer.Option("--build", metavar="ID", help="Only this build, whenever it started."),
    ] = None,
    yes: YesOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Remove what builds left behind that were killed; finished images stay."""
    from datetime import timedelta

    from sandbox.core.stack import Stack
    from sandbox.image import job

    age = timedelta(hours=older_than)
    job.clean(Stack.select(stack), older_than=age, build_id=build_id, yes=yes)


@app.command("resume", epilog="Example: sandbox image resume ami-0123456789abcdef0")
def resume(
    image_id: Annotated[
        str, typer.Argument(metavar="AMI_ID", help="The image that was left pending.")
    ],
    *,
    stack: StackOption = None,
    _quiet: QuietOption = False,
) -> None:
    """Finish an image that was still pending when its build ended, and configure the stack."""
    from sandbox.core.stack import Stack
    from sandbox.image import job

    job.resume(Stack.select(stack), image_id)


@app.command("pins", epilog="Examples: sandbox image pins · sandbox image pins --latest --json")
def pins(
    *,
    latest: Annotated[
        bool, typer.Option("--latest", help="Ask PyPI for newer versions; exit code 10 if any.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the newer versions into ami/setup/pins.toml.")
    ] = False,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show every version that a build installs, its source, and how to look for a newer one.

    JSON: a list of {name, value, settings, from, newer, latest, goes_with}. latest is null unless
    PyPI has a newer version.
    """
    from sandbox.image import job

    job.pins(latest=latest, write=write, as_json=as_json)
