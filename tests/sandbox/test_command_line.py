"""The commands for the service: which options are refused, and where secrets stay hidden."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
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
"""The key as the secret holds it, in base64."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def sandbox(environment: Mapping[str, str], *arguments: str, terminal: bool = False) -> Ended:
    """Run `sandbox`; its standard output is a pipe or a *terminal*."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    if not terminal:
        completed = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return Ended(completed.returncode, completed.stdout, completed.stderr)
    leader, follower = pty.openpty()
    completed = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=follower, stderr=subprocess.PIPE, check=False
    )
    os.write(follower, b"\n")  # so that there is something to read
    shown = os.read(leader, 65536).decode()
    os.close(follower)
    os.close(leader)
    return Ended(completed.returncode, shown, completed.stderr.decode())


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A `pulumi` that prints outputs with a key, as the real one does with --show-secrets."""
    fake = tmp_path / "pulumi"
    fake.write_text(f"#!/bin/sh\necho '{OUTPUTS}'\n")
    fake.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "COLUMNS": "200"}


def test_a_pipe_gets_the_secret(environment: dict[str, str]) -> None:
    ended = sandbox(environment, "secret", "--stack", "test")
    assert ended.code == ExitCode.DONE, ended.err
    assert ENCODED_KEY in ended.out


def test_a_terminal_gets_no_secret(environment: dict[str, str]) -> None:
    ended = sandbox(environment, "secret", "--stack", "test", terminal=True)
    assert ended.code == ExitCode.USAGE
    assert ENCODED_KEY not in ended.out
    assert "--show-secrets" in ended.err


def test_a_terminal_gets_the_secret_when_an_option_asks_for_it(environment: dict[str, str]) -> None:
    ended = sandbox(environment, "secret", "--stack", "test", "--show-secrets", terminal=True)
    assert ended.code == ExitCode.DONE, ended.err
    assert ENCODED_KEY in ended.out


def test_a_missing_pulumi_is_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "COLUMNS": "200"}
    ended = sandbox(environment, "config", "show", "--stack", "test")
    assert ended.code == ExitCode.FAILED
    assert len(ended.err.splitlines()) == 1
    assert "pulumi is not on PATH" in ended.err


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
