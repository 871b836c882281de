"""What the image builder itself costs: seconds beside its scripts, and calls of AWS.

    python -m bench.ami [BUILDS]

Builds on the emulator in this process and on a machine with a real sshd, with the limits of the
tests: nothing is waited for longer than it takes. Says the median.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from ami import aws, build, guest, plan, progress
from local import serve
from tests.ami import machines, world
from tests.ami.faults import Injector


def main(builds: int) -> None:
    with serve.answering() as running:
        os.environ |= {
            "AWS_ENDPOINT_URL": running.endpoint,
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        }
        _measure(builds, running.endpoint)


def _measure(builds: int, endpoint: str) -> None:
    look: Any = world.client(endpoint)
    facts = world.network(look)
    request = plan.Request(
        ssh_from="203.0.113.7",
        versions=machines.settings(),
    )
    in_scripts = _timed_scripts()
    added: list[float] = []
    calls: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(builds):
            seam = machines.Machines(look, Path(folder) / str(number))
            injector = Injector(pending=0)
            clients = injector.watch(aws.connect(facts.region))
            in_scripts.clear()
            begun = time.perf_counter()
            made = plan.make(clients, facts, request, limits=world.FAST)
            build.build(
                made,
                build.Tools(
                    aws=clients,
                    stack=world.StackOnPaper(facts),
                    progress=progress.Lines(Console(quiet=True)),
                    dial=seam.dial,
                    folder=Path(folder) / "logs",
                ),
            )
            added.append(time.perf_counter() - begun - sum(in_scripts))
            calls.append(len(injector.calls))
            seam.end()
    print(
        f"{builds} builds: {statistics.median(added):.2f} s beside the scripts (median),"
        f" {statistics.median(calls):.0f} calls of AWS"
    )


def _timed_scripts() -> list[float]:
    """Note how long each script ran on the machine."""
    seconds: list[float] = []
    original = guest.Work.run_script

    def timed(self: guest.Work, name: str, *arguments: str, limit: float) -> str:
        begun = time.perf_counter()
        try:
            return original(self, name, *arguments, limit=limit)
        finally:
            seconds.append(time.perf_counter() - begun)

    guest.Work.run_script = timed
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
