"""The command line: what it refuses, and that nothing secret reaches a terminal unasked."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTPUTS = (
    '{"sandbox_manager_access_key_id": "AKIAEXAMPLE",'
    ' "sandbox_manager_secret_access_key": "canary-of-the-key"}'
)
CANARY = "Y2FuYXJ5LW9mLXRoZS1rZXk="
"""The key as the secret holds it, in base64."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A pulumi that prints outputs with a key, as the real one does with --show-secrets."""
    fake = tmp_path / "pulumi"
    fake.write_text(f"#!/bin/sh\necho '{OUTPUTS}'\n")
    fake.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "COLUMNS": "200"}


def handover(
    environment: dict[str, str], *arguments: str, terminal: bool = False
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; standard output may be a terminal."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    if not terminal:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr
    leader, follower = pty.openpty()
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=follower, stderr=subprocess.PIPE, check=False
    )
    os.write(follower, b"\n")  # so that there is something to read
    shown = os.read(leader, 65536).decode()
    os.close(follower)
    os.close(leader)
    return ended.returncode, shown, ended.stderr.decode()


def test_a_pipe_gets_the_secret(environment: dict[str, str]) -> None:
    code, out, error = handover(environment, "secret", "--stack", "test")
    assert code == 0, error
    assert CANARY in out


def test_a_terminal_gets_no_secret(environment: dict[str, str]) -> None:
    code, shown, error = handover(environment, "secret", "--stack", "test", terminal=True)
    assert code == 1
    assert CANARY not in shown
    assert "standard output is a terminal" in error


def test_a_terminal_gets_the_secret_when_asked_by_name(environment: dict[str, str]) -> None:
    code, shown, error = handover(
        environment, "secret", "--stack", "test", "--show-secrets", terminal=True
    )
    assert code == 0, error
    assert CANARY in shown


def test_a_missing_pulumi_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "COLUMNS": "200"}
    code, _, error = handover(environment, "config", "--stack", "test")
    assert code == 1
    assert error.startswith("error: stack test: pulumi: is not on PATH")
    assert len(error.splitlines()) == 1


def test_a_wrong_month_is_refused_before_aws_is_asked(environment: dict[str, str]) -> None:
    code, _, error = handover(environment, "costs", "--month", "november")
    assert code == 1
    assert "--month november: is no month; write one like 2026-11" in error
