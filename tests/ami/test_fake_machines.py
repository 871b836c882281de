"""If fake machines cannot run, one line gives the reason."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ami import fake_machines


def test_without_root_the_reason_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_machines.os, "geteuid", lambda: 1000)
    with pytest.raises(fake_machines.NoMachinesError, match="run the tests as root"):
        fake_machines.require_possible()


def test_without_an_archive_the_reason_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(command: list[Any], **_: object) -> Any:
        if command[0] == "apt-get":
            raise subprocess.CalledProcessError(100, command, stderr=b"E: no network\n")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(fake_machines, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(fake_machines, "INSTALLED", tmp_path / "sshd")
    monkeypatch.setattr(fake_machines.os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(fake_machines.NoMachinesError, match="E: no network"):
        fake_machines.require_possible()
