"""The work of `sandbox image`, each command on one stack."""

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final

import typer

from ami import build as image_build
from ami import images, plan, price, progress, sweep
from ami import pins as image_pins
from ami.build_resources import Search
from ami.images import MachineImage
from ami.limits import Limits
from ami.plan import BuildOptions, BuildPlan
from sandbox.core import output, prompts
from sandbox.core.errors import ExitCode
from sandbox.core.stack import Stack
from sandbox.image import listing, pin_updates, target
from sandbox.image.pin_updates import Update
from sandbox.image.target import ConfiguredImage

FOLDER: Final = Path(".sandbox", "image")
"""Below the program's folder: logs and manifests, and the keys of failed builds that were kept."""


def build(stack: Stack, options: BuildOptions, *, dry_run: bool) -> None:
    """Check the build and show its plan; unless it is a *dry_run*, build."""
    with output.progress(f"stack {stack.name}: reading its outputs and config"):
        aws, build_target = target.read(stack)
    checking = "checking the account and the options"
    # a spinner would overwrite the question for a passphrase
    with nullcontext() if options.ssh_key_file else output.progress(checking):
        build_plan = plan.make(
            aws, build_target, options, limits=Limits(), ask_passphrase=_ask_passphrase
        )
    if dry_run:
        for line in summary(build_plan):
            output.result(line)
        output.result(f"{'price':<12} {price.of_plan(aws, build_plan)}")
        output.note("this was a dry run; nothing was created")
        return
    for line in summary(build_plan):
        output.note(line)
    with progress.on(output.progress_console()) as shown:
        tools = image_build.BuildTools(
            aws=aws,
            stack_image=ConfiguredImage(stack),
            progress=shown,
            folder=stack.folder / FOLDER,
        )
        image_id = image_build.build(build_plan, tools)
    output.result(image_id)
    output.note(f"log: {image_build.log_file(build_plan, tools)}")
    output.note(f"manifest: {image_build.manifest_file(build_plan, tools)}")
    _say_configured(image_id, stack)


def summary(build_plan: BuildPlan) -> list[str]:
    """The plan, one line for each fact."""
    facts = {
        "build": build_plan.build_id,
        "account": f"{build_plan.account} as {build_plan.caller}",
        "stack": f"{build_plan.target.stack} ({build_plan.target.environment}, "
        f"{build_plan.target.region})",
        "machine": f"{build_plan.instance_type}, {build_plan.vcpus} vCPUs, {build_plan.gpus} GPUs, "
        f"{build_plan.disk_gib} GiB gp3 ({build_plan.options.disk_iops} IOPS, "
        f"{build_plan.options.disk_throughput} MiB/s), encrypted",
        "zones": ", ".join(f"{subnet.zone} ({subnet.id})" for subnet in build_plan.subnets),
        "base": f"{build_plan.base_image} {build_plan.base_name}",
        "ssh from": build_plan.ssh_from,
        "image name": build_plan.image_name,
    }
    lines = [f"{name:<12} {fact}" for name, fact in facts.items()]
    return lines + [f"{'warning':<12} {warning}" for warning in build_plan.warnings]


def _ask_passphrase(file: Path) -> str:
    return prompts.secret(f"passphrase of {file}")


def images_of(stack: Stack) -> list[MachineImage]:
    """The images of the stack's environment; `configured` are those that this stack names."""
    with output.progress(f"stack {stack.name}: reading its config and the account's images"):
        aws, build_target = target.read(stack)
        return images.of_environment(
            aws,
            build_target.environment,
            target.configured_image(stack),
        )


def prune(stack: Stack, *, keep: int, yes: bool) -> None:
    """Remove all images of the environment but the newest *keep* and those in use."""
    with output.progress(f"stack {stack.name}: reading all stacks and the account's images"):
        aws, build_target = target.read(stack)
        existing = images.of_environment(
            aws, build_target.environment, target.configured_images(stack)
        )
    for image in existing[keep:]:
        if image.in_use:
            output.note(f"{image.id} stays: {', '.join(image.in_use)}")
    chosen = images.to_prune(existing, keep)
    if not chosen:
        output.note("there is no image to remove")
        return
    for image in chosen:
        output.note(
            f"{image.id}  {image.created:%Y-%m-%d}  {image.name}, {len(image.snapshots)} snapshots"
        )
    prompts.confirm(f"remove these {len(chosen)} images with their snapshots", yes=yes)
    images.remove(aws, chosen, output.note)


def clean(stack: Stack, *, older_than: timedelta, build_id: str | None, yes: bool) -> None:
    """Remove what build *build_id* left, or every build that started *older_than* ago or more."""
    with output.progress(f"stack {stack.name}: searching the account for leftovers"):
        aws, _ = target.read(stack)
        leftovers = sweep.find(aws, Search(), output.note)
    chosen = (
        [resource for resource in leftovers if resource.build_id == build_id]
        if build_id
        else sweep.started_before(leftovers, older_than=older_than)
    )
    if not chosen:
        output.note("there is nothing to remove")
        return
    for resource in chosen:
        output.note(f"{resource}: build {resource.build_id}, {resource.build_started_at}")
    prompts.confirm(f"remove these {len(chosen)} resources", yes=yes)
    with output.progress("removing them, and searching until nothing is found"):
        sweep.clean(
            aws, {resource.build_id for resource in chosen}, limits=Limits(), say=output.note
        )


def resume(stack: Stack, image_id: str) -> None:
    """Wait for the pending image, finish it, and configure the stack."""
    with output.progress(f"stack {stack.name}: reading its outputs and config"):
        aws, build_target = target.read(stack)
    with output.progress(f"waiting for {image_id}"):
        images.resume(
            aws,
            build_target,
            ConfiguredImage(stack),
            image_id,
            limits=Limits(),
            say=output.note,
        )
    output.result(image_id)
    _say_configured(image_id, stack)


def pins(*, latest: bool, write: bool, as_json: bool) -> None:
    """Show the pins; ask PyPI for newer versions, and write them into the file.

    Raises:
        typer.Exit: PyPI has a newer version, and it was not written.
    """
    all_pins = image_pins.load()
    updates: list[Update] = []
    if latest or write:
        with output.progress("asking PyPI"):
            updates = pin_updates.find(all_pins)
    newer = {update.pin.name: update.latest for update in updates}
    if as_json:
        output.json_result([listing.pin_as_json(pin, newer.get(pin.name)) for pin in all_pins])
    else:
        shown = [pin for pin in all_pins if pin.name in newer] if latest or write else all_pins
        if shown:
            columns, rows = listing.PIN_COLUMNS, [listing.pin_row(pin, newer) for pin in shown]
            output.table(columns, rows)
        elif latest or write:
            output.note("PyPI has no newer version")
    if write:
        pin_updates.write(updates)
    elif updates:
        raise typer.Exit(ExitCode.ATTENTION)


def _say_configured(image_id: str, stack: Stack) -> None:
    output.note(f"stack {stack.name} names {image_id}; next: pulumi up --stack {stack.name}")
