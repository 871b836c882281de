"""The builder's own SSH and its own steps, on a machine of this computer."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from ami import guest, plan, ssh
from ami.limits import Limits
from ami.machine import Keys, user_data
from ami.progress import Lines
from ami.stack import Facts
from tests.machine import rootfs
from tests.machine.machine import Machine

ADDRESS = "203.0.113.10"
LIMITS = Limits(login=60, ready=120, setup=600, check=120, reboot=60)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.machine)


@pytest.fixture(scope="session", autouse=True)
def possible(closing_line: Callable[[str], None]) -> None:
    """Skip where no machine can be made; `make test` does not wait for a root file system."""
    try:
        rootfs.check()
        if os.environ.get("PROVE_ALL"):
            rootfs.make()
        elif not rootfs.folder().exists():
            raise rootfs.NoMachineError("its root file system is not made: make prove-machine")
    except rootfs.NoMachineError as error:
        closing_line(f"real machine: not run: {error}")
        pytest.skip(str(error))


@dataclass
class Build:
    """A build's machine, and the builder's work on it."""

    machine: Machine
    keys: Keys
    work: guest.Work
    lines: list[str] = field(default_factory=list[str])
    """What the machine printed."""

    def root(self, command: str) -> str:
        """The output of a command that root runs on the machine."""
        return self.work.guest.run(f"sudo -n sh -c {shlex.quote(command)}", limit=60)


NewBuild = Callable[..., Build]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[NewBuild]:
    """Make a machine as the builder launches it, booted and with the scripts on it."""
    with background() as start:
        yield lambda **options: start(tmp_path / "disk", **options)


@contextmanager
def background() -> Iterator[Callable[..., Build]]:
    builds: list[Build] = []
    with ssh.background_loop() as loop:

        def start(disk: Path, *, seconds_to_live: float = 3600, limits: Limits = LIMITS) -> Build:
            keys = Keys.make("machine")
            machine = Machine(
                disk,
                user_data=user_data(keys.host, seconds_to_live=seconds_to_live),
                public_key=keys.login_line,
            )
            lines: list[str] = []
            login = ssh.Login("ubuntu", keys.login, keys.host)
            work = guest.Work(
                ssh.Guest(ADDRESS, login, limits, loop=loop, dial=machine.dial),
                planned(limits),
                Lines(Console(quiet=True)),
                lines.append,
            )
            builds.append(Build(machine, keys, work, lines))
            machine.boot()
            work.wait_until_ready()
            return builds[-1]

        try:
            yield start
        finally:
            for made in builds:
                made.work.guest.close()
                made.machine.end()


def planned(limits: Limits) -> plan.Plan:
    """A build's plan; of it, the machine sees the request and the number of GPUs."""
    facts = Facts(
        stack="test",
        environment="production",
        region="us-east-1",
        vpc_id="vpc-1",
        subnet_ids=("subnet-1",),
        instance_type="g5.12xlarge",
        configured_image="",
    )
    return plan.Plan(
        build_id="machine",
        started=datetime.now(UTC),
        caller="test",
        account="123456789012",
        facts=facts,
        request=plan.Request(),
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
