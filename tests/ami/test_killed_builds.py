"""SIGKILL before each step and after each changing call; then `clean` removes the rest."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ami import sweep
from ami.build_resources import Search, own_images
from infra import names
from tests.ami import fake_account, killed_build
from tests.ami.fault_injector import CHANGING
from tests.slices import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ami.conftest import BuildTally, EmulatedAccount, FinishedBuild
    from tests.ami.killed_build import Point

pytestmark = [
    pytest.mark.builds,
    pytest.mark.proof,
    pytest.mark.usefixtures("machines_possible"),
    pytest.mark.xdist_group("image builds"),  # one worker makes the finished build and the tally
]
STEPS = 13
SLICE = 12
"""Without PROVE_ALL, every so many points one is tried."""


def points(calls: Sequence[str]) -> list[Point]:
    before_steps: list[Point] = [("before step", number) for number in range(STEPS)]
    after_calls: list[Point] = [
        ("after call", number)
        for number, name in enumerate(calls)
        if name.startswith(CHANGING) and number >= calls.index("ImportKeyPair")
    ]
    all_points = before_steps + after_calls
    return all_points if EVERYTHING else all_points[4::SLICE]


def test_clean_removes_all_of_a_killed_build_and_nothing_else(
    account: EmulatedAccount, tally: BuildTally, finished_build: FinishedBuild
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ami.killed_build"])
    aws = account.clients()
    for point in points(finished_build.calls):
        folder = account.folder / "killed"
        process = context.Process(
            target=killed_build.run,
            args=(account.endpoint, account.target, account.options(), folder, point),
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, point
        leftovers = sweep.find(aws, Search(), account.lines.append)
        young = sweep.started_before(leftovers, older_than=timedelta(hours=5))
        assert not young, "a young build may still run"
        old = sweep.started_before(leftovers, older_than=timedelta(seconds=-5))
        builds = {resource.build_id for resource in old}
        sweep.clean(aws, builds, limits=fake_account.FAST, say=account.lines.append)
        # an image that was finished before the kill is not a leftover, nor is its snapshot
        finished = {
            image["ImageId"] for image in own_images(aws, {"tag:Purpose": names.IMAGE_PURPOSE})
        } - account.before
        left = {
            resource_id
            for resource_id in account.created() - finished
            if not (finished and resource_id.startswith("snap-"))
        }
        tally.killed += 1
        tally.orphans += len(left)
        assert not left, f"killed {point}: {left}"
        account.before |= account.created()
        shutil.rmtree(folder, ignore_errors=True)
