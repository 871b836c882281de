"""The local stack can always be removed: incomplete files, a dead update's lock, no emulator."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import local.__main__ as commands
from local import clean_env, emulator
from tests.e2e.checkout import copy_to
from tests.e2e.engine_stack import Ran, ran


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout whose stack is up: the stack's files, and an emulator."""
    copy_to(tmp_path)
    (tmp_path / "Pulumi.local.yaml").write_text("encryptionsalt: v1:abc\n")
    folder = tmp_path / ".local"
    files = {
        "passphrase": "0" * 64,
        "backend/.pulumi/stacks/sandbox/local.json": json.dumps({"checkpoint": {"latest": {}}}),
        "backend/.pulumi/locks/organization/sandbox/local/1.json": json.dumps({"pid": 0}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    emulator.start(folder)
    yield tmp_path
    emulator.stop(folder)


def make(checkout: Path, target: str) -> Ran:
    """Run the command of `make` *target*."""
    completed = ran([sys.executable, "-m", "local", target], clean_env.clean(), checkout)
    assert "Traceback" not in completed.output, completed.output
    return completed


@pytest.mark.parametrize(
    ("torn", "content"),
    [
        ("passphrase", b""),
        ("backend/.pulumi/stacks/sandbox/local.json", b""),
        ("emulator.json", b"\xff{"),
    ],
)
def test_a_stack_with_a_torn_file_is_left(checkout: Path, torn: str, content: bytes) -> None:
    running = emulator.running(checkout / ".local")
    assert running
    (checkout / ".local" / torn).write_bytes(content)
    left = make(checkout, "down")
    assert left.code == 0, left.output
    assert not (checkout / ".local").exists()
    assert not (checkout / "Pulumi.local.yaml").exists()
    while runs(running.pid):
        time.sleep(0.1)


def runs(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return bool(listed.stdout) and not listed.stdout.startswith(b"Z")


@pytest.mark.engine
def test_an_update_that_runs_is_named_and_left_alone(checkout: Path) -> None:
    [lock] = (checkout / ".local/backend/.pulumi/locks").rglob("*.json")
    pulumi = checkout / "pulumi"
    pulumi.symlink_to(shutil.which("sleep") or "/bin/sleep")
    with subprocess.Popen([pulumi, "120"]) as process:
        try:
            lock.write_text(json.dumps({"pid": process.pid}))
            refusals = [make(checkout, target) for target in ("up", "down")]
        finally:
            process.kill()
    for refused in refusals:
        assert refused.code == 1
        assert f"is running in process {process.pid};" in refused.output
        assert len(refused.output.splitlines()) == 1
    assert lock.exists()
    assert emulator.running(checkout / ".local")


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"pid": 1})])
def test_a_lock_of_no_update_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "1.json").write_text(content)
    monkeypatch.setattr(commands, "LOCKS", tmp_path)
    commands._refuse_during_an_update()  # noqa: SLF001
