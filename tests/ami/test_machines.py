"""Where no build machine can be made, one line says why."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ami import machines


def test_without_root_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines.os, "geteuid", lambda: 1000)
    with pytest.raises(machines.NoMachinesError, match=r"^tests/ami: .* run the tests as root"):
        machines.possible()


def test_without_an_archive_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(command: list[Any], **_: object) -> Any:
        if command[0] == "apt-get":
            raise subprocess.CalledProcessError(100, command, stderr=b"E: no network\n")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(machines, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(machines, "INSTALLED", tmp_path / "sshd")
    monkeypatch.setattr(machines.os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(machines.NoMachinesError, match=r"apt-get \(E: no network\): install it"):
        machines.possible()
