"""A build in a separate process that SIGKILL ends at a given point."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.console import Console

from ami import build, plan, progress, provisioner
from infra.aws_clients import AwsClients
from tests.ami import fake_account, fake_machines, short_set_up
from tests.ami.fault_injector import FaultInjector
from tests.slices import EVERYTHING

if TYPE_CHECKING:
    from ami.target import BuildTarget

Point: TypeAlias = tuple[Literal["before step", "after call"], int]
"""Before the step with this number starts, or after the call with this number took effect."""


class DeadlyProgress(progress.PlainProgress):
    """Kills the process before step number *at*."""

    def __init__(self, at: int) -> None:
        super().__init__(Console(quiet=True))
        self._steps_left = at

    def step(self, name: str) -> Any:
        if self._steps_left == 0:
            _die()
        self._steps_left -= 1
        return super().step(name)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(
    endpoint: str, target: BuildTarget, options: plan.BuildOptions, folder: Path, point: Point
) -> None:
    """Build until *point*."""
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    if not EVERYTHING:
        provisioner.archive = short_set_up.archive
    when, at = point
    injector = FaultInjector()

    def after_call(**_: object) -> None:
        if when == "after call" and len(injector.numbered) - 1 == at:
            _die()

    clients = injector.watch(AwsClients(target.region))
    clients.ec2.meta.events.register("after-call.*", after_call)
    tools = build.BuildTools(
        aws=clients,
        stack_image=fake_account.FakeStackImage(),
        progress=DeadlyProgress(at if when == "before step" else -1),
        dial=fake_machines.FakeMachines(fake_account.client(endpoint), folder / "machines").dial,
        folder=folder / "logs",
    )
    build.build(plan.make(clients, target, options, limits=fake_account.FAST), tools)
