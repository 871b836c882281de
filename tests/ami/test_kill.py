"""SIGKILL at every step and after every call that changes something; then `ami clean`."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ami import images, sweep
from ami.build_resources import Search
from sandbox.image.commands import clean
from tests.ami import killed, world
from tests.ami.faults import CHANGING, EVERYTHING, Injector

if TYPE_CHECKING:
    from tests.ami.conftest import Account, Tally

pytestmark = pytest.mark.proof
STEPS = 13


def test_clean_removes_all_of_a_killed_build_and_nothing_else(
    account: Account, tally: Tally
) -> None:
    injector = Injector(pending=0)
    account.build(injector.watch(account.clients()))
    account.before |= account.new()
    account.machines.end()
    points = [("step", number) for number in range(STEPS)]
    points += [
        ("after call", number)
        for number, name in enumerate(injector.numbered)
        if name.startswith(CHANGING) and number >= injector.numbered.index("ImportKeyPair")
    ]
    if not EVERYTHING:
        points = points[::3]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ami.killed"])
    clients = account.clients()
    for how, at in points:
        folder = account.folder / f"{how}-{at}".replace(" ", "-")
        process = context.Process(
            target=killed.run,
            args=(account.endpoint, account.facts, account.request(), str(folder), how, at),
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, f"{how} {at}"
        found = sweep.find(clients, Search(), account.said.append)
        mine = {one.id for one in found} - account.before
        assert not images.dead(found, older_than=timedelta(hours=5)), "a young build may be alive"
        old = images.dead(found, older_than=timedelta(seconds=-5))
        clean(clients, {one.build_id for one in old}, account.said.append, world.FAST)
        whole = {  # an image that was finished before the kill is no leftover
            one.get("ImageId", "")
            for one in account.look.describe_images(
                Owners=["self"],
                Filters=[{"Name": "tag:Purpose", "Values": ["researcher-sandbox-ami"]}],
            )["Images"]
        } - account.before
        left = {one for one in account.new() - whole if not (whole and one.startswith("snap-"))}
        tally.killed += 1
        tally.orphans += len(left)
        assert not left, f"killed at {how} {at}: {left}, of {mine}"
        account.before |= account.new()
        shutil.rmtree(folder, ignore_errors=True)
