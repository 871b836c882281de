"""The scripts that run on the build machine."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami.errors import VerificationError
from ami.ssh_session import Login, SshSession, background_loop
from sandbox.image.versions import settable
from tests.ami import fake_account, fake_machines

if TYPE_CHECKING:
    from infra.aws_clients import AwsClients
    from tests.ami.conftest import EmulatedAccount

AGAIN = "sudo -n env FOLDER=/var/tmp/ami-build METTA_COMMIT={metta} PUFFER_COMMIT={pufferlib} \
bash /var/tmp/ami-build/setup.sh"


@pytest.fixture
def scripts() -> list[Path]:
    return sorted(Path("ami/setup").glob("*.sh"))


def test_shellcheck_finds_nothing(scripts: list[Path]) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    completed = subprocess.run(
        [shellcheck, "--external-sources", "--shell=bash", "--severity=style", *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, completed.stdout) == (0, "")


def test_no_script_runs_what_it_downloads_unchecked(scripts: list[Path]) -> None:
    for script in scripts:
        text = script.read_text()
        assert not re.search(r"curl[^\n|]*\|", text), script
        assert "add-apt-repository" not in text, script
        assert "--allow-unauthenticated" not in text, script


def test_every_version_can_be_set_and_has_its_default_at_the_top() -> None:
    assert {"NVIDIA_BRANCH", "DOCKER_VERSION", "UV_SHA256", "METTA_COMMIT"} <= settable()
    text = Path("ami/setup/setup.sh").read_text()
    top = text[: text.index("common.sh")]
    for name in settable() - {"GPU_TEST_IMAGE"}:
        assert f"{name}=${{{name}" in top, name


def tree(root: Path) -> dict[str, str]:
    """A digest of every file that the set-up may write."""
    return {
        str(path.relative_to(root)): hashlib.sha256(
            path.readlink().__fspath__().encode() if path.is_symlink() else path.read_bytes()
        ).hexdigest()
        for folder in ("etc", "opt", "local", "home", "recorder/units", "boot")
        for path in (root / folder).rglob("*")
        if ".git" not in path.parts and (path.is_symlink() or path.is_file())
    }


@pytest.mark.proof
@pytest.mark.usefixtures("machines_possible")
def test_the_set_up_changes_nothing_when_it_runs_again(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    account.machines.prepare.append("broken-units")
    with pytest.raises(VerificationError):
        account.build(clients, options=account.options(keep_on_error=True))
    machine = account.machines.last
    key = asyncssh.read_private_key(str(next(account.logs.glob("*.key"))))
    host = asyncssh.read_private_key(str(machine.root / "etc/ssh/ssh_host_ed25519_key"))
    address = account.machines.dialled[-1][0]
    first, packages = tree(machine.root), (machine.root / "recorder/packages").read_text()
    again = AGAIN.format(**fake_machines.repositories()[1])
    with background_loop() as loop:
        session = SshSession(
            address,
            Login("ubuntu", key, host),
            fake_account.FAST,
            loop=loop,
            dial=account.machines.dial,
        )
        session.connect(5)
        before = len(machine.calls())
        output = session.run(f"{again} base && {again} software", limit=30)
        assert output.count("done before") == 10
        assert not [call for call in machine.calls()[before:] if "apt-get" in call]
        assert tree(machine.root) == first
        # and without the stamps of finished steps, so that each step runs a second time
        output = session.run(
            f"rm -r /var/tmp/ami-build/done && {again} base && {again} software", limit=30
        )
        assert "done before" not in output
        session.close()
    assert tree(machine.root) == first
    assert (machine.root / "recorder/packages").read_text() == packages
