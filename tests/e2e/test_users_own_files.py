"""A local run neither reads nor writes the user's own Pulumi home and AWS credentials."""

import os
from pathlib import Path

import pytest

from local import emulator, engine, stack
from tests.e2e.engine_stack import EngineStack


def test_the_users_own_files_are_not_opened_and_stay_as_they_are(
    installed: engine.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are empty pipes: a command that opens one for reading hangs."""
    home = tmp_path / "home"
    traps = [
        home / ".aws" / "credentials",
        home / ".aws" / "config",
        home / ".pulumi" / "credentials.json",
        home / ".pulumi" / "config.json",
    ]
    for trap in traps:
        trap.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(trap)
    monkeypatch.setenv("HOME", str(home))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # no server listens there
    monkeypatch.setenv("PULUMI_HOME", str(home / ".pulumi"))
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-of-the-user")
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-user")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    running = emulator.start(tmp_path / "emulator")
    try:
        environment = stack.environment(installed, running, tmp_path / "state")
        assert "of-the-user" not in " ".join(environment.values())
        (tmp_path / "program").mkdir()
        sandbox = EngineStack(tmp_path / "program", environment)
        sandbox.configure()
        assert set(sandbox.preview()) == {"create"}
    finally:
        emulator.stop(tmp_path / "emulator")
    left = {file for part in (".aws", ".pulumi") for file in (home / part).rglob("*")}
    assert left == set(traps)
