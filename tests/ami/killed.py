"""A build in a process of its own, which ends by SIGKILL at a given point."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ami import aws, build, plan, progress
from tests.ami import machines, world
from tests.ami.faults import Injector

if TYPE_CHECKING:
    from ami.stack import Facts


class DeadlySteps(progress.Lines):
    def __init__(self, at: int) -> None:
        super().__init__(Console(quiet=True))
        self._left = at

    def step(self, name: str) -> Any:
        if self._left == 0:
            die()
        self._left -= 1
        return super().step(name)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(  # noqa: PLR0913, PLR0917 - where, what and when
    endpoint: str, facts: Facts, request: plan.Request, folder: str, how: str, at: int
) -> None:
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    look: Any = world.client(endpoint)
    injector = Injector(pending=0)

    def after(**_: object) -> None:
        if how == "after call" and len(injector.numbered) - 1 == at:
            die()

    clients = injector.watch(aws.connect(facts.region))
    for one in (clients.ec2, clients.ssm, clients.sts, clients.quotas):
        one.meta.events.register("after-call.*", after)
    tools = build.Tools(
        aws=clients,
        stack=world.StackOnPaper(facts),
        progress=DeadlySteps(at if how == "step" else -1),
        dial=machines.Machines(look, Path(folder) / "machines").dial,
        folder=Path(folder) / "logs",
    )
    build.build(plan.make(clients, facts, request, limits=world.FAST), tools)
