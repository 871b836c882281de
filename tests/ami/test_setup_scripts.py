"""The build machine's scripts, on a fake machine or with the real programs of this computer."""

from __future__ import annotations

import hashlib
import io
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami import provisioner
from ami.errors import VerificationError
from ami.ssh_session import Login, SshSession, background_loop
from tests.ami import fake_account, fake_machines

if TYPE_CHECKING:
    from infra.aws_clients import AwsClients
    from tests.ami.conftest import EmulatedAccount

SETUP = Path("ami/setup/setup.sh")


@pytest.fixture
def scripts() -> list[Path]:
    return sorted(SETUP.parent.glob("*.sh"))


def test_no_checkout_gives_the_scripts_the_line_ends_of_windows(scripts: list[Path]) -> None:
    command = ["git", "check-attr", "eol", "--", *map(str, scripts)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert [line.rsplit(": ", 1)[1] for line in printed.splitlines()] == ["lf"] * len(scripts)


def test_shellcheck_finds_nothing(scripts: list[Path]) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    recorder = Path(__file__).with_name("record_gpus.sh")
    completed = subprocess.run(
        [shellcheck, "--external-sources", "--shell=bash", "--severity=style", *scripts, recorder],
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


@pytest.mark.parametrize(
    ("output", "last"),
    [
        (
            """\
==> metta (a8d1ece)
Call to `bazel_build.build_editable` failed (exit status: 1)
      Traceback (most recent call last):
      RuntimeError: Bazel is required to build mettagrid
      hint: Build failures usually indicate a problem with the package
""",
            "metta: RuntimeError: Bazel is required to build mettagrid",
        ),
        (
            """\
==> driver (535)
==> puffer (93cd999)
pufferlib.cpp:12:10: fatal error: cuda_runtime.h: No such file or directory
error: command '/usr/bin/g++' failed with exit code 1
""",
            "puffer: pufferlib.cpp:12:10: fatal error: cuda_runtime.h: No such file or directory",
        ),
        ("==> docker\nno reason\n\n", "docker: no reason"),
        ("too early\n", "before the first step: too early"),
    ],
)
def test_the_last_line_names_the_step_and_its_first_error(
    tmp_path: Path, output: str, last: str
) -> None:
    shutil.copy("ami/setup/common.sh", tmp_path)
    (tmp_path / "output").write_text(output)
    script = tmp_path / "failing.sh"
    script.write_text(f". {tmp_path}/common.sh\ncat {tmp_path}/output\nexit 3\n")
    ended = subprocess.run(
        ["bash", script], env={"FOLDER": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (3, f"{output}{last}\n")


def test_scripts_reach_the_machine_with_unix_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup/setup.sh").write_bytes(b"set -eu\r\necho done\r\n")
    monkeypatch.setattr(provisioner.resources, "files", lambda _: tmp_path)
    assert provisioner.script("setup.sh") == b"set -eu\necho done\n"
    with tarfile.open(fileobj=io.BytesIO(provisioner.archive())) as archive:
        content = archive.extractfile("setup.sh")
        assert content
        assert content.read() == b"set -eu\necho done\n"


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
    versions = [f"{name}={version}" for name, version in fake_machines.versions().items()]
    environment = shlex.join(["env", "FOLDER=/var/tmp/ami-build", *versions])
    again = f"sudo -n {environment} bash /var/tmp/ami-build/setup.sh"
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
        steps = re.findall(r"^\s+step ", SETUP.read_text(), re.MULTILINE)
        assert output.count("done before") == len(steps)
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
