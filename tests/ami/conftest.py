"""An emulated account for each test, and one finished build that many tests read."""

from __future__ import annotations

import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from rich.console import Console

from ami import build, plan, progress, provisioner
from infra.aws_clients import AwsClients
from local import serve
from tests.ami import fake_account, fake_machines, short_set_up
from tests.ami.fault_injector import FaultInjector
from tests.slices import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from mypy_boto3_ec2 import EC2Client

    from ami.limits import Limits
    from ami.target import BuildTarget

REGION = "us-east-1"


@dataclass
class BuildTally:
    """The numbers in the proof's closing line."""

    calls: int = 0
    faults: int = 0
    left: int = 0
    killed: int = 0
    orphans: int = 0


@pytest.fixture(scope="session")
def tally(closing_line: Callable[[str], None]) -> Iterator[BuildTally]:
    counted = BuildTally()
    yield counted
    if counted.faults and counted.killed:
        closing_line(
            f"image builder: {counted.calls} AWS calls a build, {counted.faults} faults injected,"
            f" {counted.left} things left behind; killed {counted.killed} times,"
            f" {counted.orphans} orphans after clean"
        )


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """An emulator in this process."""
    with serve.answering() as running:
        yield running.endpoint


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One session for all clients, so that the descriptions of AWS's services are read once."""
    return boto3.Session("made-up", "made-up", region_name=REGION)


@pytest.fixture(scope="session")
def machine_problems() -> list[str]:
    """Why no fake machine can run here."""
    try:
        fake_machines.require_possible()
    except fake_machines.NoMachinesError as error:
        return [str(error)]
    return []


@pytest.fixture
def machines_possible(machine_problems: list[str]) -> None:
    """If no fake machine can run, fail once with the reason and skip the other tests."""
    if machine_problems:
        if reason := machine_problems[0]:
            machine_problems[0] = ""
            pytest.fail(reason, pytrace=False)
        pytest.skip("no fake machine can run here; the reason is in the failure of an earlier test")


class RecordedProgress(progress.PlainProgress):
    """Collects the plain lines of the progress."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(Console(quiet=True))
        self._lines = lines

    def _print(self, text: str) -> None:
        self._lines.append(text)


@dataclass
class EmulatedAccount:
    """An emulated account with a stack's network, and everything that a build in it needs."""

    endpoint: str
    ec2: EC2Client
    """The test's own client: no fault is injected into its calls."""
    target: BuildTarget
    machines: fake_machines.FakeMachines
    folder: Path
    before: set[str]
    """The ids of all resources before the build."""
    lines: list[str] = field(default_factory=list[str])
    """The progress of the builds."""
    stack_image: fake_account.FakeStackImage = field(default_factory=fake_account.FakeStackImage)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def clients(self) -> AwsClients:
        """Clients without an injected fault."""
        return AwsClients(REGION)

    def options(self, **changes: Any) -> plan.BuildOptions:
        usual = plan.BuildOptions(ssh_from="203.0.113.7", versions=fake_machines.versions())
        return replace(usual, **changes)

    def build(
        self,
        clients: AwsClients,
        *,
        limits: Limits = fake_account.FAST,
        options: plan.BuildOptions | None = None,
    ) -> str:
        tools = build.BuildTools(
            aws=clients,
            stack_image=self.stack_image,
            progress=RecordedProgress(self.lines),
            dial=self.machines.dial,
            folder=self.logs,
        )
        build_plan = plan.make(clients, self.target, options or self.options(), limits=limits)
        return build.build(build_plan, tools)

    def created(self) -> set[str]:
        """The ids of new resources; fails if an earlier resource is missing."""
        now = fake_account.holdings(self.ec2)
        assert self.before <= now, f"removed from others: {self.before - now}"
        return now - self.before


@contextmanager
def _open_account(
    endpoint: str, session: boto3.Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[EmulatedAccount]:
    """A fresh account; the environment cannot reach a real one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setattr(boto3, "Session", lambda **_: session)
    with urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"") as answer:  # noqa: S310 - the emulator
        assert answer.status == 200
    ec2: EC2Client = session.client("ec2", endpoint_url=endpoint)
    target = fake_account.network(ec2)
    AwsClients(REGION).ssm.get_parameter(Name=plan.BASES["ubuntu"].parameter)
    fake_account.add_decoys(ec2, target)
    machines = fake_machines.FakeMachines(ec2, folder / "machines")
    try:
        yield EmulatedAccount(endpoint, ec2, target, machines, folder, fake_account.holdings(ec2))
    finally:
        machines.crash()


@pytest.fixture
def account(
    endpoint: str, session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatedAccount]:
    with _open_account(endpoint, session, tmp_path, monkeypatch) as opened:
        yield opened
        opened.machines.remove()


@pytest.fixture
def short_set_up_of_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is around the set-up: without PROVE_ALL it takes no time."""
    if not EVERYTHING:
        monkeypatch.setattr(provisioner, "archive", short_set_up.archive)


@pytest.fixture
def clients(account: EmulatedAccount) -> AwsClients:
    return account.clients()


@dataclass(frozen=True)
class FinishedBuild:
    """The end of a build without a fault; its machine's root folder still exists."""

    image: Any
    """The answer of DescribeImages."""
    snapshot: Any
    created: set[str]
    configured: Sequence[str]
    calls: Sequence[str]
    """The names of its numbered calls; a fault can be injected into each."""
    requests: dict[str, list[dict[str, Any]]]
    """The parameters of its calls, by operation."""
    arguments: set[str]
    """The command lines of all processes that ran during its calls."""
    machine: fake_machines.FakeMachine
    ports: set[int]
    logs: Path


@pytest.fixture(scope="session")
def finished_build(
    endpoint: str,
    session: boto3.Session,
    tmp_path_factory: pytest.TempPathFactory,
    machine_problems: list[str],
) -> FinishedBuild:
    if machine_problems:
        pytest.skip("no fake machine can run here")
    folder = tmp_path_factory.mktemp("finished-build")
    requests: dict[str, list[dict[str, Any]]] = {}
    arguments: set[str] = set()

    def note_request(params: dict[str, Any], model: Any, **_: object) -> None:
        requests.setdefault(model.name, []).append(dict(params))

    def note_processes(_name: str, _number: int) -> None:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                arguments.add(command.read_text(errors="replace"))

    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        _open_account(endpoint, session, folder, monkeypatch) as account,
    ):
        injector = FaultInjector(on_call=note_processes)
        clients = injector.watch(account.clients())
        clients.ec2.meta.events.register("provide-client-params.ec2.*", note_request)
        image = fake_account.image(account.ec2, account.build(clients))
        snapshot_id = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        return FinishedBuild(
            image=image,
            snapshot=account.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0],
            created=account.created(),
            configured=account.stack_image.configured,
            calls=injector.numbered,
            requests=requests,
            arguments=arguments,
            machine=account.machines.last,
            ports={port for _, port in account.machines.dialled},
            logs=account.logs,
        )
