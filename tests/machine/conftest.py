"""The builder's real SSH session and steps, on a machine in this computer."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
from rich.console import Console

from ami.first_boot import BuildKeys, user_data
from ami.limits import Limits
from ami.plan import BuildOptions, BuildPlan
from ami.progress import PlainProgress
from ami.provisioner import Provisioner
from ami.ssh_session import Login, SshSession, background_loop
from ami.target import BuildTarget
from tests.machine import rootfs
from tests.machine.machine import NspawnMachine
from tests.slices import EVERYTHING

FOLDER = Path(__file__).parent
ADDRESS = "203.0.113.10"
LIMITS = Limits(login=60, ready=120, upgrade=600, check=120, reboot=60)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    for item in items:
        if item.path.parent == FOLDER and "build" in item.fixturenames:
            item.add_marker(pytest.mark.machine)


@dataclass
class MachineTally:
    """The numbers in the proof's closing line."""

    machines: int = 0
    boots: int = 0


@pytest.fixture(scope="session")
def tally(closing_line: Callable[[str], None]) -> Iterator[MachineTally]:
    """Skip where no machine can run; `make test` does not create a root file system."""
    started = time.monotonic()
    try:
        rootfs.require_possible()
        if EVERYTHING:
            rootfs.make()
        else:
            rootfs.cached()
    except rootfs.NoMachineError as error:
        closing_line(f"real machine: not run: {error}")
        pytest.skip(str(error))
    counted = MachineTally()
    yield counted
    closing_line(
        f"real machine: {counted.machines} machines with real systemd, cloud-init, sshd, apt and"
        f" sudo, {counted.boots} boots in {time.monotonic() - started:.0f} s, nothing left running"
    )


@dataclass
class Build:
    """A build machine, and the builder's session on it."""

    machine: NspawnMachine
    keys: BuildKeys
    loop: asyncio.AbstractEventLoop
    limits: Limits
    lines: list[str] = field(default_factory=list[str])
    """The output of the scripts."""
    provisioner: Provisioner = field(init=False)

    def __post_init__(self) -> None:
        self.provisioner = Provisioner(
            self.session(self.keys.login, self.keys.host),
            build_plan(self.limits),
            PlainProgress(Console(quiet=True)),
            self.lines.append,
        )

    def session(self, key: asyncssh.SSHKey, host_key: asyncssh.SSHKey) -> SshSession:
        """The builder's SSH session to the machine, not yet connected."""
        login = Login("ubuntu", key, host_key)
        return SshSession(ADDRESS, login, self.limits, loop=self.loop, dial=self.machine.dial)

    def root(self, command: str, limit: float = 60) -> str:
        """The output of a command that root runs on the machine."""
        return self.provisioner.session.run(f"sudo -n sh -c {shlex.quote(command)}", limit=limit)


NewBuild = Callable[[], Build]


@pytest.fixture
def build(tmp_path: Path, tally: MachineTally) -> Iterator[NewBuild]:
    """Start machines like the builder: booted, with the builder's scripts."""
    builds: list[Build] = []

    def start() -> Build:
        keys = BuildKeys.generate("machine")
        machine = NspawnMachine(
            tmp_path / "disk",
            user_data=user_data(keys.host, seconds_to_live=3600),
            public_key=keys.login_public,
        )
        builds.append(Build(machine, keys, loop, LIMITS))
        machine.boot()
        builds[-1].provisioner.wait_until_ready()
        return builds[-1]

    with background_loop() as loop:
        try:
            yield start
        finally:
            for built in builds:
                built.provisioner.session.close()
                built.machine.end()
                tally.machines += 1
                tally.boots += built.machine.boots


def build_plan(limits: Limits) -> BuildPlan:
    """A plan; the machine sees its options and the number of GPUs."""
    target = BuildTarget(
        stack="test",
        environment="production",
        region="us-east-1",
        vpc_id="vpc-1",
        subnet_ids=("subnet-1",),
        instance_type="g5.12xlarge",
    )
    return BuildPlan(
        build_id="machine",
        started=datetime.now(UTC),
        caller="test",
        account="123456789012",
        target=target,
        options=BuildOptions(),
        instance_type="g5.12xlarge",
        vcpus=48,
        gpus=4,
        subnets=(),
        base_image="ami-1",
        base_name="base",
        root_device="/dev/sda1",
        disk_gib=150,
        ssh_from=f"{ADDRESS}/32",
        limits=limits,
    )
