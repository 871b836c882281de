"""The whole build on one page."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ami import build_resources, first_boot, signals, ssh_session, steps, sweep
from ami.build_resources import Search
from ami.errors import LeftoverError, NotConfiguredError
from ami.first_boot import BuildKeys
from ami.images import VERSION_TAG
from ami.progress import StepClock, TimedProgress
from ami.provisioner import Provisioner
from ami.ssh_session import Login, SshSession

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2.type_defs import InstanceTypeDef

    from ami.build_resources import BuildResource
    from ami.plan import BuildPlan
    from ami.progress import BuildProgress
    from ami.signals import SignalHandler
    from ami.target import StackImage
    from infra.aws_clients import AwsClients

DESCRIBED_VERSIONS: Final = ("driver", "docker", "python", "uv", "cogames", "metta", "kernel")
"""The versions in an image's description."""
MAX_DESCRIPTION: Final = 255
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
MAX_TAG_VALUE: Final = 256
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTools:
    """The tools that a build needs besides its plan."""

    aws: AwsClients
    stack_image: StackImage
    progress: BuildProgress
    dial: ssh_session.Dial = ssh_session.dial
    """Connects to the machine's address; the tests replace it."""
    folder: Path
    """The folder for the log, the manifest, and the key of a failed build that the user keeps."""


@dataclass(slots=True)
class BuildOutcome:
    """What a build has created so far."""

    image_id: str = ""
    snapshots: tuple[str, ...] = ()
    finished: bool = False
    """Whether the image is complete, so that it stays."""
    address: str = ""
    """The machine's public address."""
    clock: StepClock = field(default_factory=StepClock)
    """Measures the steps of the build."""
    script_clock: StepClock = field(default_factory=StepClock)
    """Measures the steps of the scripts on the machine."""

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds that each step has taken so far."""
        return self.clock.seconds | self.script_clock.seconds


def build(plan: BuildPlan, tools: BuildTools) -> str:
    """Build the image and return its id; only the image and its snapshots stay in the account.

    Raises:
        SandboxError: the reason; its notes name what could not be removed.
        Interrupted: a signal ended the build; everything it created is removed.
    """
    progress = TimedProgress(tools.progress)
    tools = replace(tools, progress=progress)
    undo = steps.Undo(tools.aws, plan, progress)
    outcome = BuildOutcome(clock=progress.clock)
    first_error: BaseException | None = None
    with signals.handled(tools.progress.say) as signal_handler:
        try:
            try:
                signal_handler.arm()
                _create(plan, tools, undo, outcome, signal_handler)
            finally:
                signal_handler.disarm()
        except BaseException as error:  # noqa: BLE001 - raised again below, after the clean-up
            first_error = error
        left = _clean_up(plan, tools, undo, outcome, first_error)
    if first_error:
        if left:
            first_error.add_note(_leftovers(plan, left))
        raise first_error
    if left:
        raise LeftoverError(f"{outcome.image_id} is finished, but\n{_leftovers(plan, left)}")
    return outcome.image_id


def _create(
    plan: BuildPlan,
    tools: BuildTools,
    undo: steps.Undo,
    outcome: BuildOutcome,
    signal_handler: SignalHandler,
) -> None:
    keys = BuildKeys.generate(plan.temporary_name)
    step = tools.progress.step
    with ExitStack() as stack:
        try:
            machine = _launch(plan, tools, keys, undo, stack)
            outcome.address = machine.get("PublicIpAddress", "")
            instance_id = machine.get("InstanceId", "")
            versions = _provision(plan, tools, keys, instance_id, outcome)
            with step("stop the machine"):
                steps.stop(tools.aws, plan, instance_id)
            with step("take the image"):
                _take_image(plan, tools, instance_id, versions, stack, undo, outcome)
            signal_handler.disarm()  # the image is complete, so it stays from now on
            outcome.finished = True
            with step(f"configure stack {plan.target.stack}"):
                tools.stack_image.configure(outcome.image_id)
            _write_manifest(plan, tools, versions, outcome)  # now with the time of every step
        except NotConfiguredError:
            raise
        except Exception:
            if plan.options.keep_on_error:
                _keep(plan, tools, keys, undo, outcome)
            raise


def _launch(
    plan: BuildPlan, tools: BuildTools, keys: BuildKeys, undo: steps.Undo, stack: ExitStack
) -> InstanceTypeDef:
    with tools.progress.step("create the temporary key pair and security group"):
        key = stack.enter_context(steps.key_pair(tools.aws, plan, keys, undo))
        group = stack.enter_context(steps.ssh_group(tools.aws, plan, undo))
    with tools.progress.step(f"launch {plan.instance_type}"):
        user_data = first_boot.user_data(keys.host, seconds_to_live=plan.limits.deadline)
        return stack.enter_context(
            steps.instance(tools.aws, plan, key=key, group=group, user_data=user_data, undo=undo)
        )


def _provision(
    plan: BuildPlan, tools: BuildTools, keys: BuildKeys, instance_id: str, outcome: BuildOutcome
) -> dict[str, str]:
    """Do all the work on the machine; return the installed versions."""
    step = tools.progress.step
    tools.folder.mkdir(parents=True, exist_ok=True)
    login_key = plan.login_key if plan.options.ssh_key else keys.login
    with log_file(plan, tools).open("w") as log, ssh_session.background_loop() as loop:
        session = SshSession(
            outcome.address,
            Login(plan.options.ssh_user, login_key, keys.host),
            plan.limits,
            loop=loop,
            dial=tools.dial,
            on_wait=lambda: steps.require_alive(tools.aws, instance_id),
            silence_hint=f"; its port 22 is open to {plan.ssh_from} only: if this computer leaves "
            "by another address, name that with --ssh-from",
        )

        def write(line: str) -> None:
            log.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
            log.flush()

        provisioner = Provisioner(session, plan, tools.progress, write, outcome.script_clock)
        with closing(session):
            with step("wait for the machine's first boot"):
                provisioner.wait_until_ready()
            with step("set up: newest packages and kernel"):
                provisioner.set_up("base")
            with step("reboot into the new kernel"):
                provisioner.reboot()
            with step("set up: driver, Docker, Python, repositories"):
                provisioner.set_up("software")
            with step("reboot with the driver"):
                provisioner.reboot()
            with step("verify on the machine"):
                versions = provisioner.verify()
                provisioner.write_manifest(_write_manifest(plan, tools, versions, outcome))
            with step("seal: remove the traces of the build, and prove it"):
                provisioner.seal()
    return versions


def _take_image(  # noqa: PLR0913, PLR0917 - the image needs something of every step
    plan: BuildPlan,
    tools: BuildTools,
    instance_id: str,
    versions: dict[str, str],
    stack: ExitStack,
    undo: steps.Undo,
    outcome: BuildOutcome,
) -> None:
    image = stack.enter_context(
        steps.image(
            tools.aws,
            plan,
            instance_id=instance_id,
            description=description(plan, versions),
            tags={
                f"{VERSION_TAG}{name}": version[:MAX_TAG_VALUE]
                for name, version in versions.items()
            },
            undo=undo,
        )
    )
    outcome.image_id = image.get("ImageId", "")
    outcome.snapshots = tuple(build_resources.snapshot_ids(image))
    steps.publish(tools.aws, outcome.image_id, list(outcome.snapshots), plan.image_name)


def log_file(plan: BuildPlan, tools: BuildTools) -> Path:
    """The file with the output of every script that ran on the machine."""
    return tools.folder / f"{plan.build_id}.log"


def manifest_file(plan: BuildPlan, tools: BuildTools) -> Path:
    """The file with a copy of the manifest in the image."""
    return tools.folder / f"{plan.build_id}.json"


def _write_manifest(
    plan: BuildPlan, tools: BuildTools, versions: dict[str, str], outcome: BuildOutcome
) -> dict[str, object]:
    """Write the manifest to `manifest_file`, and return it."""
    content = manifest(plan, versions, outcome.seconds)
    manifest_file(plan, tools).write_text(json.dumps(content, indent=2))
    return content


def manifest(
    plan: BuildPlan, versions: dict[str, str], seconds: dict[str, float]
) -> dict[str, object]:
    """The manifest of the image; *seconds* holds the time of each step so far."""
    return {
        "build_id": plan.build_id,
        "image_name": plan.image_name,
        "started": plan.started.isoformat(timespec="seconds"),
        "base_image": plan.base_image,
        "base_name": plan.base_name,
        "instance_type": plan.instance_type,
        "versions": versions,
        "seconds": seconds,
    }


def description(plan: BuildPlan, versions: dict[str, str]) -> str:
    """The description of the image in EC2: its most important versions, in one line."""
    parts = [f"{name} {versions[name]}" for name in DESCRIBED_VERSIONS if name in versions]
    return f"sandbox on {plan.options.base}: {', '.join(parts)}"[:MAX_DESCRIPTION]


def _keep(
    plan: BuildPlan, tools: BuildTools, keys: BuildKeys, undo: steps.Undo, outcome: BuildOutcome
) -> None:
    """Remove nothing, and say how to log in to the machine and how to remove it."""
    undo.keep_all = True
    say = tools.progress.say
    tools.folder.mkdir(parents=True, exist_ok=True)
    key_file = plan.options.ssh_key_file
    if not plan.options.ssh_key:
        key_file = tools.folder / f"{plan.build_id}.key"
        key_file.touch(mode=0o600)
        key_file.write_bytes(keys.login.export_private_key("openssh"))
    if outcome.address:
        identity = f"-i {key_file} " if key_file else ""
        say(f"kept; log in with: ssh {identity}{plan.options.ssh_user}@{outcome.address}")
    hours = plan.limits.deadline / 3600
    say(f"the machine terminates itself {hours:g} h after its start; remove it earlier with:")
    say(f"  {clean_command(plan)}")


def clean_command(plan: BuildPlan) -> str:
    """The command that removes everything that the build left."""
    return f"sandbox image clean --build {plan.build_id} --stack {plan.target.stack}"


def _leftovers(plan: BuildPlan, left: list[BuildResource]) -> str:
    commands = sweep.removal_commands(left, plan.target.region)
    return "\n".join(["left behind:", *commands, f"or all of it: {clean_command(plan)}"])


def _clean_up(
    plan: BuildPlan,
    tools: BuildTools,
    undo: steps.Undo,
    outcome: BuildOutcome,
    error: BaseException | None,
) -> list[BuildResource]:
    """Remove the resources that the steps did not remove; return those that could not be removed.

    After a fault this searches for every kind of resource, several times. Without a fault, AWS has
    confirmed each removal except that of the root volume, which EC2 deletes with the instance
    (DeleteOnTermination). So one search for volumes is enough.
    """
    if undo.keep_all:
        return []
    pending = isinstance(error, steps.PendingError)
    flawless = not error and not undo.failed
    with tools.progress.step("search for leftovers"):
        return sweep.sweep(
            tools.aws,
            Search(plan.build_id),
            limits=plan.limits,
            say=tools.progress.say,
            known=undo.failed,
            keep_ids={outcome.image_id, *outcome.snapshots} if outcome.finished else (),
            keep=lambda resource: pending and resource.kind in {"image", "snapshot"},
            empty_sweeps_required=1 if flawless else None,
            kinds=["volume"] if flawless else tuple(build_resources.FINDERS),
        )
