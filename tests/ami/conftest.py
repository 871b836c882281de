"""The emulator in this process, an account with a stack's network, the seam to machines."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from rich.console import Console

from ami import aws, build, plan, progress
from local import serve
from tests.ami import machines, world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client

    from ami.stack import Facts

SESSION = boto3.Session("made-up", "made-up", region_name="us-east-1")
SETTINGS = machines.settings()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:  # one emulator and one tally: all of it belongs into one worker
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("ami"))


@dataclass
class Tally:
    """What the proof's closing line says."""

    calls: int = 0
    faults: int = 0
    left: int = 0
    killed: int = 0
    orphans: int = 0


@pytest.fixture(scope="session")
def tally(closing_line: Callable[[str], None]) -> Iterator[Tally]:
    counted = Tally()
    yield counted
    if counted.faults and counted.killed:
        closing_line(
            f"image builder: {counted.calls} AWS calls a build, {counted.faults} faults injected,"
            f" {counted.left} things left behind; killed {counted.killed} times,"
            f" {counted.orphans} orphans after clean"
        )


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with serve.answering() as running:
        yield running.endpoint


@dataclass
class Account:
    """All that a test of a build needs, and what was there before it."""

    endpoint: str
    look: EC2Client
    facts: Facts
    machines: machines.Machines
    folder: Path
    before: frozenset[str] = frozenset()
    said: list[str] = field(default_factory=list[str])
    stack: world.StackOnPaper = field(init=False)

    def __post_init__(self) -> None:
        self.stack = world.StackOnPaper(self.facts)

    def request(self, **changes: Any) -> plan.Request:
        usual = plan.Request(
            ssh_from="203.0.113.7",
            versions=SETTINGS,
        )
        return replace(usual, **changes)

    def build(
        self,
        clients: aws.Aws,
        *,
        limits: world.Limits = world.FAST,
        request: plan.Request | None = None,
        shown: progress.Progress | None = None,
    ) -> str:
        made = plan.make(clients, self.facts, request or self.request(), limits=limits)
        return build.build(made, self.tools(clients, shown))

    def tools(self, clients: aws.Aws, shown: progress.Progress | None = None) -> build.Tools:
        return build.Tools(
            aws=clients,
            stack=self.stack,
            progress=shown or Said(self.said),
            dial=self.machines.dial,
            folder=self.folder / "logs",
        )

    def clients(self) -> aws.Aws:
        """Clients without anybody's hooks; the shared session has AWS's models in memory."""
        return aws.connect("us-east-1", SESSION)

    def new(self) -> set[str]:
        """What the account holds now and did not before; nothing that was there may be missing."""
        now = world.holdings(self.look)
        assert self.before <= now, f"taken from others: {self.before - now}"
        return now - self.before


class Said(progress.Lines):
    """Plain lines into a list."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(Console(quiet=True))
        self._said = said

    def _print(self, text: str) -> None:
        self._said.append(text)


@pytest.fixture(scope="session")
def problems() -> list[str]:
    """Why no machine can be made here."""
    try:
        machines.possible()
    except machines.NoMachinesError as error:
        return [str(error)]
    return []


@pytest.fixture
def able(problems: list[str]) -> None:
    """Fail once with one line where no machine can be made, and skip what needs one from then."""
    if problems:
        if line := problems[0]:
            problems[0] = ""
            pytest.fail(line, pytrace=False)
        pytest.skip("no build machine can be made here, as an earlier test says")


@pytest.fixture
def account(
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    able: None,  # noqa: ARG001 - first of all
) -> Iterator[Account]:
    """A fresh one for each test, and no way to a real one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    reset(endpoint)
    look = world.client(endpoint)
    facts = world.network(look)
    aws.connect("us-east-1", SESSION).ssm.get_parameter(Name=plan.BASES["ubuntu"].parameter)
    world.decoys(look, facts)
    seam = machines.Machines(look, tmp_path / "machines")
    made = Account(endpoint, look, facts, seam, tmp_path)
    made.before = frozenset(world.holdings(look))
    yield made
    seam.end()


@pytest.fixture
def clients(account: Account) -> aws.Aws:
    return account.clients()


def reset(endpoint: str) -> None:
    with urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"") as answer:  # noqa: S310 - ours
        assert answer.status == 200
