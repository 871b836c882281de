"""Faults between the builder and its machine; afterwards the account is unchanged."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ami.errors import SetupError, VerificationError
from tests.ami import fake_account

if TYPE_CHECKING:
    from infra.aws_clients import AwsClients
    from sandbox.core.errors import SandboxError
    from tests.ami.conftest import BuildTally, EmulatedAccount

pytestmark = [
    pytest.mark.builds,
    pytest.mark.proof,
    pytest.mark.usefixtures("machines_possible"),
]


def assert_nothing_left(account: EmulatedAccount, tally: BuildTally) -> None:
    left = account.created()
    tally.faults += 1
    tally.left += len(left)
    assert left == set()


def test_a_port_that_refuses_ends_the_build_at_the_login_limit(
    account: EmulatedAccount,
    clients: AwsClients,
    tally: BuildTally,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_host: str, _port: int) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(account.machines, "dial", refuse)
    with pytest.raises(SetupError, match="no login within"):
        account.build(clients, limits=replace(fake_account.FAST, login=0.3))
    assert_nothing_left(account, tally)


def test_a_machine_that_never_answers_is_told_with_the_network_that_may_reach_it(
    account: EmulatedAccount,
    clients: AwsClients,
    tally: BuildTally,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def time_out(_host: str, _port: int) -> None:
        raise TimeoutError

    monkeypatch.setattr(account.machines, "dial", time_out)
    with pytest.raises(SetupError, match=r"no answer; .*203\.0\.113\.7/32.*--ssh-from"):
        account.build(clients, limits=replace(fake_account.FAST, login=0.3))
    assert_nothing_left(account, tally)


def test_a_login_that_is_refused_ends_long_before_the_login_limit(
    account: EmulatedAccount, clients: AwsClients, tally: BuildTally
) -> None:
    options = account.options(ssh_user="nobody")
    with pytest.raises(SetupError, match=r"refuses the key of user nobody for 1 s.*--ssh-user"):
        account.build(clients, options=options)
    assert_nothing_left(account, tally)


def test_another_host_key_ends_the_build_at_once(
    account: EmulatedAccount, clients: AwsClients, tally: BuildTally
) -> None:
    account.machines.prepare.append("other-host-key")
    with pytest.raises(SetupError, match="host key"):
        account.build(clients)
    assert_nothing_left(account, tally)


def in_prove(*case: object) -> Any:
    return pytest.param(*case, marks=pytest.mark.thorough)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        ("wrong-key", SetupError, "the key at https://developer.download.nvidia.com"),
        in_prove("no-gpu", VerificationError, "nvidia-smi"),  # as in test_build.py
        in_prove("old-driver", VerificationError, "driver: is 470.1, expected branch 580"),
        in_prove("broken-units", VerificationError, "units: docker.service"),
        ("empty-environment", VerificationError, "puffer-torch: ModuleNotFoundError: No module"),
        in_prove("rebuilding-uv", VerificationError, "metta-uv-run: changes the environment"),
        in_prove(
            "other-downloads", SetupError, "BAZELISK: the sha256 of https://github.com/.* exp"
        ),
        in_prove("no-module", SetupError, "has no nvidia module"),
        ("deaf", SetupError, "has not rebooted"),
        in_prove("no-return", SetupError, "no login within"),
        in_prove("failed-cloud-init", SetupError, "cloud-init failed"),
    ],
)
def test_a_machine_that_is_not_right_becomes_no_image(  # noqa: PLR0913, PLR0917 - fixtures and case
    account: EmulatedAccount,
    clients: AwsClients,
    tally: BuildTally,
    damage: str,
    error: type[SandboxError],
    message: str,
) -> None:
    account.machines.prepare.append(damage)
    limits = fake_account.FAST
    if damage in {"deaf", "no-return"}:  # the machine never comes back
        limits = replace(limits, reboot=1)
    with pytest.raises(error, match=message):
        account.build(clients, limits=limits)
    assert_nothing_left(account, tally)


def test_a_connection_that_breaks_in_a_script_is_made_again_and_the_build_succeeds(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    ended = threading.Event()

    def drop_after_docker() -> None:
        while not ended.wait(0.005):
            for machine in list(account.machines.by_id.values()):
                done = machine.root / "var/tmp/ami-build/done"
                if done.exists() and any(done.glob("docker-*")):
                    machine.drop_connections()
                    return

    watcher = threading.Thread(target=drop_after_docker)
    watcher.start()
    try:
        assert account.build(clients)
    finally:
        ended.set()
        watcher.join()
    assert any("the connection broke" in line for line in account.lines)
    installs = [call for call in account.machines.last.calls() if "docker-ce=" in call]
    assert len(installs) == 1, "a finished step is not repeated"


def test_a_silent_machine_is_given_up(
    account: EmulatedAccount, clients: AwsClients, tally: BuildTally
) -> None:
    account.machines.prepare.append("hanging-apt")
    with pytest.raises(SetupError, match=r"setup\.sh base"):
        account.build(clients, limits=replace(fake_account.FAST, upgrade=1))
    assert_nothing_left(account, tally)
