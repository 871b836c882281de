"""The whole build on one page."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ami import build_resources as things
from ami import guest, machine, signals, ssh, steps, sweep
from ami.build_resources import Search
from ami.errors import ConfigError, LeftoverError

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2.type_defs import InstanceTypeDef

    from ami.aws import Aws
    from ami.build_resources import BuildResource
    from ami.plan import Plan
    from ami.progress import Progress
    from ami.signals import Signals
    from ami.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a build works with besides its plan."""

    aws: Aws
    stack: Stack
    progress: Progress
    dial: ssh.Dial = ssh.dial
    """The one seam: how the machine's address becomes a connection."""
    folder: Path
    """Where the log, the manifest and a kept key are written."""


@dataclass(slots=True)
class Outcome:
    image: str = ""
    snapshots: tuple[str, ...] = ()
    finished: bool = False
    """The image is one to keep."""
    address: str = ""


SUMMARY = ("driver", "docker", "python", "uv", "cogames", "metta", "kernel")
"""The versions that an image's description names."""


def build(plan: Plan, tools: Tools) -> str:
    """Make the image and return its id; whatever happens, only that is left in the account."""
    undo = steps.Undo(tools.aws, plan, tools.progress)
    outcome = Outcome()
    first: BaseException | None = None
    with signals.handled(tools.progress.say) as on_signal:
        try:
            try:
                on_signal.arm()
                _make(plan, tools, undo, outcome, on_signal)
            finally:
                on_signal.hold()
        except BaseException as error:  # noqa: BLE001 - raised again below, after the clean-up
            first = error
        left = _clean(plan, tools, undo, outcome, first)
    if first:
        if left:
            first.add_note(_leftovers(plan, left))
        raise first
    if left:
        raise LeftoverError(f"{outcome.image} is finished.\n{_leftovers(plan, left)}")
    return outcome.image


def _make(plan: Plan, tools: Tools, undo: steps.Undo, outcome: Outcome, on_signal: Signals) -> None:
    keys = machine.Keys.make(plan.name)
    with ExitStack() as made:
        try:
            host = _launch(plan, tools, keys, undo, made)
            outcome.address = host.get("PublicIpAddress", "")
            instance = host.get("InstanceId", "")
            versions = _prepare(plan, tools, keys, instance, outcome.address)
            with tools.progress.step("stop the machine"):
                steps.stop(tools.aws, plan, instance)
            with tools.progress.step("take the image"):
                _take(plan, tools, instance, versions, made, undo, outcome)
            on_signal.hold()  # the image is whole: from here on it is kept
            outcome.finished = True
            with tools.progress.step(f"configure stack {plan.facts.stack}"):
                tools.stack.configure(outcome.image)
        except ConfigError:
            raise
        except Exception:
            if plan.request.keep_on_error:
                _keep(plan, tools, keys, undo, outcome)
            raise


def _launch(
    plan: Plan, tools: Tools, keys: machine.Keys, undo: steps.Undo, made: ExitStack
) -> InstanceTypeDef:
    with tools.progress.step("temporary key pair and security group"):
        key = made.enter_context(steps.key_pair(tools.aws, plan, keys, undo))
        group = made.enter_context(steps.ssh_group(tools.aws, plan, undo))
    with tools.progress.step(f"launch {plan.instance_type}"):
        told = machine.user_data(keys.host, seconds_to_live=plan.limits.deadline)
        return made.enter_context(
            steps.instance(tools.aws, plan, key=key, group=group, user_data=told, undo=undo)
        )


def _prepare(
    plan: Plan, tools: Tools, keys: machine.Keys, instance: str, address: str
) -> dict[str, str]:
    """Everything that is done on the machine; its versions."""
    step = tools.progress.step
    tools.folder.mkdir(parents=True, exist_ok=True)
    own_key = plan.request.ssh_key_file if plan.request.ssh_key else keys.login
    with (tools.folder / f"{plan.build_id}.log").open("w") as log, ssh.background_loop() as loop:
        way_in = ssh.Guest(
            address,
            ssh.Login(plan.request.ssh_user, own_key, keys.host),
            plan.limits,
            loop=loop,
            dial=tools.dial,
            on_wait=lambda: steps.alive(tools.aws, instance),
        )

        def write(line: str) -> None:
            log.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
            log.flush()

        work = guest.Work(way_in, plan, tools.progress, write)
        with closing(way_in):
            with step("wait for the machine's first boot"):
                work.wait_until_ready()
            with step("set up: newest packages and kernel"):
                work.set_up("base")
            with step("reboot into the new kernel"):
                work.reboot()
            with step("set up: driver, Docker, Python, repositories"):
                work.set_up("software")
            with step("reboot with the driver"):
                work.reboot()
            with step("verify on the machine"):
                versions = work.verify()
                said = manifest(plan, versions)
                work.write_manifest(said)
                (tools.folder / f"{plan.build_id}.json").write_text(json.dumps(said, indent=2))
            with step("seal: remove the build's traces, prove it"):
                work.seal()
    return versions


def _take(  # noqa: PLR0913, PLR0917 - the image is where everything comes together
    plan: Plan,
    tools: Tools,
    instance: str,
    versions: dict[str, str],
    made: ExitStack,
    undo: steps.Undo,
    outcome: Outcome,
) -> None:
    image = made.enter_context(
        steps.image(
            tools.aws,
            plan,
            instance_id=instance,
            description=summary(plan, versions),
            tags={f"version/{name}": value[:256] for name, value in versions.items()},
            undo=undo,
        )
    )
    outcome.image = image.get("ImageId", "")
    outcome.snapshots = tuple(steps.snapshots_of(image))
    steps.publish(tools.aws, outcome.image, list(outcome.snapshots), plan.image_name)


def manifest(plan: Plan, versions: dict[str, str]) -> dict[str, object]:
    """What the image says of itself."""
    return {
        "build_id": plan.build_id,
        "image_name": plan.image_name,
        "started": plan.started.isoformat(timespec="seconds"),
        "base_image": plan.base_image,
        "base_name": plan.base_name,
        "instance_type": plan.instance_type,
        "versions": versions,
    }


def summary(plan: Plan, versions: dict[str, str]) -> str:
    """One line that fits an image's description."""
    parts = [f"{name} {versions[name]}" for name in SUMMARY if name in versions]
    return f"sandbox on {plan.request.base}: {', '.join(parts)}"[:255]


def _keep(plan: Plan, tools: Tools, keys: machine.Keys, undo: steps.Undo, outcome: Outcome) -> None:
    """Leave everything as it is for a look at it, and say how."""
    undo.kept = True
    tools.folder.mkdir(parents=True, exist_ok=True)
    file = tools.folder / f"{plan.build_id}.key"
    file.touch(mode=0o600)
    file.write_bytes(keys.login.export_private_key("openssh"))
    if outcome.address:
        tools.progress.say(f"kept: ssh -i {file} {plan.request.ssh_user}@{outcome.address}")
    hours = plan.limits.deadline / 3600
    tools.progress.say(f"it ends itself {hours:g} h after its start; before that, remove it with:")
    tools.progress.say(f"  {clean_command(plan)}")


def clean_command(plan: Plan) -> str:
    return f"sandbox image clean --build {plan.build_id} --stack {plan.facts.stack}"


def _leftovers(plan: Plan, left: list[BuildResource]) -> str:
    region = plan.facts.region
    lines = [f"  {thing}: {thing.command(region)}" for thing in left]
    return "\n".join(["left behind:", *lines, f"or all of it: {clean_command(plan)}"])


def _clean(
    plan: Plan, tools: Tools, undo: steps.Undo, outcome: Outcome, error: BaseException | None
) -> list[BuildResource]:
    """Remove what the steps did not; after any fault, look for everything and more than once.

    Without one, each thing made was made once, by a name or token of its own, and AWS confirmed
    its removal; only the disk went by a promise, that of the machine to take it along.
    """
    if undo.kept:
        return []
    pending = isinstance(error, steps.PendingError)
    flawless = not error and not undo.failed
    with tools.progress.step("look for leftovers"):
        return sweep.sweep(
            tools.aws,
            Search(plan.build_id),
            limits=plan.limits,
            say=tools.progress.say,
            known=undo.failed,
            keep={outcome.image, *outcome.snapshots} if outcome.finished else (),
            spare=lambda one: pending and one.kind in {"image", "snapshot"},
            rounds=1 if flawless else None,
            kinds=["volume"] if flawless else tuple(things.FINDERS),
        )
