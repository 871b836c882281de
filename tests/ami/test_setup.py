"""The scripts that run on the build machine, on it or with the real programs here."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from ami import ssh
from ami.errors import VerificationError
from ami.ssh import background_loop
from tests.ami import world
from tests.ami.conftest import SETTINGS

if TYPE_CHECKING:
    from ami.aws import Aws
    from tests.ami.conftest import Account

SCRIPTS = sorted(Path("ami/setup").glob("*.sh"))
AGAIN = " ".join(
    [
        "sudo -n env FOLDER=/var/tmp/ami-build",
        *(f"{name}={value}" for name, value in SETTINGS.items()),
        "bash /var/tmp/ami-build/setup.sh",
    ]
)


def test_the_scripts_are_clean() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run(
        [shellcheck, "--external-sources", "--shell=bash", "--severity=style", *SCRIPTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_nothing_from_the_network_is_run_unread() -> None:
    for script in SCRIPTS:
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


def tree(root: Path) -> dict[str, str]:
    """Every file that a set-up may write, by its content."""
    return {
        str(path.relative_to(root)): hashlib.sha256(
            path.readlink().__fspath__().encode() if path.is_symlink() else path.read_bytes()
        ).hexdigest()
        for folder in ("etc", "opt", "local", "home", "recorder/units", "boot")
        for path in (root / folder).rglob("*")
        if ".git" not in path.parts and (path.is_symlink() or path.is_file())
    }


@pytest.mark.proof
def test_the_set_up_changes_nothing_when_it_is_run_again(
    account: Account, clients: Aws, tmp_path: Path
) -> None:
    account.machines.prepare.append("broken-units")
    with pytest.raises(VerificationError):
        account.build(clients, request=account.request(keep_on_error=True))
    machine = account.machines.last
    key = asyncssh.read_private_key(str(next((tmp_path / "logs").glob("*.key"))))
    host = asyncssh.read_private_key(str(machine.root / "etc/ssh/ssh_host_ed25519_key"))
    address = account.machines.dialled[-1][0]
    first, packages = tree(machine.root), (machine.root / "recorder/packages").read_text()
    with background_loop() as loop:
        guest = ssh.Guest(
            address,
            ssh.Login("ubuntu", key, host),
            world.FAST,
            loop=loop,
            dial=account.machines.dial,
        )
        guest.connect(5)
        before = len(machine.calls())
        said = guest.run(f"{AGAIN} base && {AGAIN} software", limit=30)
        assert said.count("done before") == len(re.findall(r"^\s+step ", SETUP, re.MULTILINE))
        assert not [one for one in machine.calls()[before:] if "apt-get" in one]
        assert tree(machine.root) == first
        # and without the stamps, so that each step itself is run a second time
        said = guest.run(
            f"rm -r /var/tmp/ami-build/done && {AGAIN} base && {AGAIN} software", limit=30
        )
        assert "done before" not in said
        guest.close()
    assert tree(machine.root) == first
    assert (machine.root / "recorder/packages").read_text() == packages


SETUP = Path("ami/setup/setup.sh").read_text()
