"""What can go wrong between the builder and its machine; afterwards the account is as before."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from ami.errors import AmiError, SetupError, VerificationError
from tests.ami import world

if TYPE_CHECKING:
    from ami.aws import Aws
    from tests.ami.conftest import Account, Tally

pytestmark = pytest.mark.proof


def nothing_left(account: Account, tally: Tally) -> None:
    left = account.new()
    tally.faults += 1
    tally.left += len(left)
    assert left == set()


def test_a_port_that_refuses_ends_the_build_at_the_login_limit(
    account: Account, clients: Aws, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_host: str, _port: int) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(account.machines, "dial", refuse)
    with pytest.raises(SetupError, match="no login within"):
        account.build(clients, limits=world.replace(world.FAST, login=0.3))
    nothing_left(account, tally)


def test_another_host_key_ends_the_build_at_once(
    account: Account, clients: Aws, tally: Tally
) -> None:
    account.machines.prepare.append("other-host-key")
    with pytest.raises(SetupError, match="shows another host key"):
        account.build(clients)
    nothing_left(account, tally)


@pytest.mark.parametrize(
    ("broken", "error", "said"),
    [
        ("wrong-key", SetupError, "the key at https://developer.download.nvidia.com"),
        ("no-gpu", VerificationError, "nvidia-smi"),
        ("old-driver", VerificationError, "driver: is 470.1, expected branch 580"),
        ("broken-units", VerificationError, "units: docker.service"),
        ("empty-environment", VerificationError, "puffer-torch: ModuleNotFoundError: No module"),
        ("rebuilding-uv", VerificationError, "metta-uv-run: changes the environment"),
        ("other-downloads", SetupError, "BAZELISK: the sha256 of https://github.com/.* expected"),
        ("no-module", SetupError, "has no nvidia module"),
        ("deaf", SetupError, "still runs as before"),
        ("no-return", SetupError, "no login within"),
        ("failed-cloud-init", SetupError, "cloud-init failed"),
    ],
)
def test_a_machine_that_is_not_right_is_no_image(  # noqa: PLR0913, PLR0917 - fixtures and case
    account: Account, clients: Aws, tally: Tally, broken: str, error: type[AmiError], said: str
) -> None:
    account.machines.prepare.append(broken)
    with pytest.raises(error, match=said):
        account.build(clients, limits=world.replace(world.FAST, reboot=2))
    nothing_left(account, tally)


def test_a_connection_dropped_in_the_script_is_made_again_and_the_build_succeeds(
    account: Account, clients: Aws
) -> None:
    def drop() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for machine in list(account.machines.by_id.values()):
                done = machine.root / "var/tmp/ami-build/done"
                if done.exists() and any(done.glob("docker-*")):
                    machine.drop_connections()
                    return
            time.sleep(0.005)

    watcher = threading.Thread(target=drop)
    watcher.start()
    image = account.build(clients)
    watcher.join()
    assert image
    assert any("connecting again" in one for one in account.said)
    installs = [one for one in account.machines.last.calls() if "docker-ce=" in one]
    assert len(installs) == 1, "a finished step is not repeated"


def test_a_silent_machine_is_given_up(account: Account, clients: Aws, tally: Tally) -> None:
    account.machines.prepare.append("hanging-apt")
    with pytest.raises(SetupError, match=r"setup\.sh base"):
        account.build(clients, limits=world.replace(world.FAST, setup=1))
    nothing_left(account, tally)
