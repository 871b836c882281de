"""`sandbox` as a separate process, in a shell that is broken in some way."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from sandbox.core.errors import ExitCode
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz import command_table
from tests.sandbox.lock_error import lock, lock_error

pytestmark = pytest.mark.proof
SANDBOX: Final = Path(sys.executable).parent / "sandbox"
NO_TRACE: Final = ("Traceback", "Exception ignored", "SANDBOX_DEBUG")


@pytest.fixture
def healthy(fake_pulumi: FakePulumi) -> FakePulumi:
    command_table.answer_all(fake_pulumi)
    return fake_pulumi


def shell(
    pulumi: FakePulumi, script: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run *script*, in which $S is `sandbox`, with *pulumi* on PATH."""
    environment: Mapping[str, str] = {
        "PATH": f"{pulumi.folder}:/usr/bin:/bin",
        "HOME": str(folder),
        "S": str(SANDBOX),
        **variables,
    }
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "codes"),
    [
        ("$S config show -s test <&-", {ExitCode.DONE}),
        ("$S config show -s test >&-", {ExitCode.DONE, ExitCode.FAILED}),
        ("$S diagram -s test 2>&-", {ExitCode.DONE}),
        ("$S config show -s test >&- 2>&- <&-", {ExitCode.DONE, ExitCode.FAILED}),
        ("$S permissions table > /dev/full", {ExitCode.FAILED}),
        ("$S permissions table | head -1; exit ${PIPESTATUS[0]}", {ExitCode.DONE}),
        ("mkdir gone; cd gone; rmdir ../gone; $S diagram -s test", {ExitCode.DONE}),
        ("mkdir ro; chmod 555 ro; cd ro; $S diagram -s test", {ExitCode.DONE}),
        ("$S keys rotate -s test < /dev/null", {ExitCode.FAILED, ExitCode.REFUSED}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_shell_gets_no_traceback(
    healthy: FakePulumi, tmp_path: Path, script: str, codes: set[ExitCode]
) -> None:
    completed = shell(healthy, script, tmp_path)
    assert not any(word in completed.stderr for word in NO_TRACE), completed.stderr
    assert completed.returncode in codes, completed.stderr


STRANGE: Final[Sequence[dict[str, str]]] = (
    {"HOME": "/dev/null"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"COLUMNS": "20", "LINES": "2"},
    {"TERM": "no-such-terminal"},
    {"PYTHONSAFEPATH": "1"},
    {"PYTHONDONTWRITEBYTECODE": "1"},
)
TOGETHER: Final = {name: value for variables in STRANGE for name, value in variables.items()}


@pytest.mark.parametrize(
    "variables",
    [TOGETHER, *(pytest.param(variables, marks=pytest.mark.thorough) for variables in STRANGE)],
    ids=str,
)
def test_a_strange_environment_changes_no_result(
    healthy: FakePulumi, tmp_path: Path, variables: dict[str, str]
) -> None:
    script = "$S diagram -s test > diagram && $S settings show -s test > settings && cat diagram"
    completed = shell(healthy, script, tmp_path, **variables)
    assert completed.returncode == ExitCode.DONE, completed.stderr
    assert not any(word in completed.stderr for word in NO_TRACE), completed.stderr
    assert completed.stdout.startswith("flowchart")


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_ctrl_c_at_any_moment_is_one_line(
    healthy: FakePulumi, tmp_path: Path, moment: float
) -> None:
    healthy.answer("stack export", command_table.deployment(), then="sleep 30")
    with subprocess.Popen(
        [SANDBOX, "--quiet", "diagram", "--stack", "test"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr
        shown = process.stderr.read()
        code = process.wait()
    if code in {-signal.SIGINT, 1} and "/sandbox/__main__.py" not in shown:
        return  # Python was still starting
    assert code == ExitCode.INTERRUPTED
    assert shown.splitlines() == ["interrupted"], shown


def test_a_prompt_without_an_answer_ends(healthy: FakePulumi, tmp_path: Path) -> None:
    healthy.answer("stack rename", "", stderr=lock_error(lock()), code=255)
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [SANDBOX, "recover", "--stack", "test"],
        cwd=tmp_path,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(follower)
        os.write(leader, b"\x04")  # Ctrl-D
        out, err = process.communicate()
        os.close(leader)
    assert "ann@elsewhere" in out
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert not any(call.startswith("cancel") for call in healthy.calls)
