"""The commands for the service: refused options, and hidden secrets."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import cli
from sandbox.core.errors import ExitCode

ROOT = Path(__file__).parents[2]
OUTPUTS = (
    '{"sandbox_manager_access_key_id": "AKIAEXAMPLE",'
    ' "sandbox_manager_secret_access_key": "canary-of-the-key"}'
)
ENCODED_KEY = "Y2FuYXJ5LW9mLXRoZS1rZXk="
"""The key in base64, as the Kubernetes secret holds it."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A PATH with a `pulumi` that prints outputs with a key, as --show-secrets does."""
    fake = tmp_path / "pulumi"
    fake.write_text(f"#!/bin/sh\necho '{OUTPUTS}'\n")
    fake.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return path


@pytest.mark.usefixtures("path")
def test_a_pipe_gets_the_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["secret", "--stack", "test"]) == ExitCode.DONE
    assert ENCODED_KEY in capsys.readouterr().out


def test_a_terminal_gets_no_secret(path: str) -> None:
    leader, follower = pty.openpty()
    completed = subprocess.run(
        [sys.executable, "-m", "sandbox", "secret", "--stack", "test"],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": "200"},
        stdout=follower,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.write(follower, b"\n")  # so that there is something to read
    shown = os.read(leader, 65536).decode()
    os.close(follower)
    os.close(leader)
    assert completed.returncode == ExitCode.USAGE
    assert ENCODED_KEY not in shown
    assert "--show-secrets" in completed.stderr.decode()


@pytest.mark.usefixtures("path")
def test_a_terminal_gets_the_secret_when_an_option_asks_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.run(["secret", "--stack", "test"]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""
    assert cli.run(["secret", "--stack", "test", "--show-secrets"]) == ExitCode.DONE
    assert ENCODED_KEY in capsys.readouterr().out


def test_a_missing_pulumi_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert cli.run(["config", "show", "--stack", "test"]) == ExitCode.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert "pulumi" in line
    assert "PATH" in line


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["costs", "--month", "november"], "november"),
        (["secret", "--namespace", "Team_A"], "Team_A"),
        (["secret", "--apply", "--restart", "manager"], "manager"),
        (["secret", "--apply", "--restart=--all"], "--all"),
        (["secret", "--restart", "deployment/manager"], "--apply"),
        (["keys", "rotate", "--namespace", "-n"], "-n"),
        (["keys", "rotate", "--grace-hours", "-1"], "--grace-hours"),
        (["keys", "rotate", "--grace-hours", "nan"], "--grace-hours"),
        (["keys", "rotate", "--grace-hours", "inf"], "--grace-hours"),
        (["keys", "rotate", "--older-than-days", "-1"], "--older-than-days"),
        (["keys", "rollback", "--restart", "deployment/"], "deployment/"),
    ],
)
def test_an_option_that_is_not_valid_is_refused_before_anything_runs(
    arguments: list[str],
    refused: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", "")
    assert cli.run(arguments) == ExitCode.USAGE
    assert refused in capsys.readouterr().err
