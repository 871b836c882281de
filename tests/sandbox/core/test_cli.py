"""The command line as a whole: help, exit codes, and no traceback, whatever goes wrong."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from botocore.exceptions import NoCredentialsError

from sandbox import cli
from sandbox.core import output
from sandbox.core.errors import ExitCode, NotYetError, RefusedError, SandboxError, UsageError
from sandbox.core.stack import Stack
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz.command_table import words_of_every_command

SANDBOX = Path(sys.executable).parent / "sandbox"


def commands() -> Iterator[Sequence[str]]:
    """The name of every command and group, as words."""

    def below(group: typer.Typer, words: Sequence[str]) -> Iterator[Sequence[str]]:
        yield words
        for command in group.registered_commands:
            assert command.name
            yield (*words, command.name)
        for inner in group.registered_groups:
            assert inner.name
            assert inner.typer_instance
            yield from below(inner.typer_instance, (*words, inner.name))

    return below(cli.app, ())


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every command that selects a stack end with *error*."""

    def select(_name: str | None = None) -> Stack:
        raise error

    monkeypatch.setattr(Stack, "select", select)


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands():
        assert cli.run([*words, "--help"]) == ExitCode.DONE
        assert f"sandbox {' '.join(words)}".strip() in capsys.readouterr().out


def test_every_command_has_an_example_and_takes_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for words in words_of_every_command():
        assert cli.run([*words, "--help"]) == ExitCode.DONE
        shown = capsys.readouterr().out
        assert f"sandbox {words[0]}" in shown.split("Example")[-1], words
        assert "--quiet" in shown, words


@pytest.mark.parametrize(("seconds", "quiet"), [(0.1, False), (0.1, True), (60.0, False)])
def test_a_command_that_takes_long_says_so(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    seconds: float,
    quiet: bool,
) -> None:
    monkeypatch.setattr(output, "PATIENCE_SECONDS", seconds)

    def select(_name: str | None = None) -> Stack:
        time.sleep(0.5)
        raise UsageError("no such stack")

    monkeypatch.setattr(Stack, "select", select)
    cli.run(["config", "show", *(["--quiet"] if quiet else [])])
    lines = capsys.readouterr().err.splitlines()
    working = [line for line in lines if line.startswith("sandbox config show: working")]
    assert len(working) == (seconds < 1 and not quiet)


def test_without_a_command_nothing_says_that_it_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(cli, "command_tree", lambda: lambda *_, **__: time.sleep(0.1))
    cli.run([])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_answers_in_every_shell(shell: str) -> None:
    variables = {
        "_SANDBOX_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "sandbox dri",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "sandbox dri",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    completed = run([SANDBOX], **variables)
    assert "drift" in completed.stdout
    assert completed.stderr == ""


def test_the_help_has_the_table_of_exit_codes_one_a_line_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run(["--help"]) == ExitCode.DONE
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for code in ExitCode:
        assert any(
            re.fullmatch(rf"{code.value} +{re.escape(code.meaning)}", line) for line in lines
        )


def test_exit_codes_are_unique_and_explained() -> None:
    assert len({code.value for code in ExitCode}) == len(ExitCode)
    assert all(code.meaning for code in ExitCode)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SandboxError("no route"), ExitCode.FAILED, "no route"),
        (UsageError("no such stack"), ExitCode.USAGE, "no such stack"),
        (RefusedError("too wide"), ExitCode.REFUSED, "too wide"),
        (NotYetError("not used yet"), ExitCode.NOT_YET, "not used yet"),
        (NoCredentialsError(), ExitCode.FAILED, "aws sts get-caller-identity"),
        (FileNotFoundError(2, "No such file", "/x/y"), ExitCode.FAILED, "/x/y: No such file"),
        (ZeroDivisionError("division"), ExitCode.FAILED, cli.DEBUG),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
        (typer.Abort(), ExitCode.INTERRUPTED, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_one_line_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: ExitCode,
    words: str,
) -> None:
    fail_with(monkeypatch, error)
    assert cli.run(["drift"]) == code
    shown = capsys.readouterr()
    assert not shown.out
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1


def test_notes_of_an_error_are_lines_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SandboxError("left over: vol-1")
    error.add_note("remove it: aws ec2 delete-volume --volume-id vol-1")
    fail_with(monkeypatch, error)
    cli.run(["drift"])
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_traceback_is_there_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cli.DEBUG, "1")
    fail_with(monkeypatch, ZeroDivisionError("division"))
    cli.run(["drift"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["nope"], ["drift", "--nope"], ["drift", "--stack"], ["zones", "nope"]]
)
def test_a_mistyped_command_or_option_points_to_the_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli.run(arguments) == ExitCode.USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert "--help" in line


@pytest.mark.parametrize("arguments", [[], ["zones"]])
def test_a_group_without_a_command_prints_its_help(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli.run(arguments) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert "Usage: sandbox" in shown.out
    assert not shown.err


@pytest.mark.parametrize("arguments", [["--quiet", "diagram"], ["diagram", "--quiet"]])
def test_quiet_holds_before_and_after_the_command(
    fake_pulumi: FakePulumi,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
) -> None:
    fake_pulumi.answer("stack export", {"deployment": None})
    file = tmp_path / "picture.mmd"
    assert cli.run([*arguments, "--stack", "dev", "--output", str(file)]) == ExitCode.DONE
    assert capsys.readouterr() == ("", "")
    assert file.read_text().startswith("flowchart")
    assert cli.run(["diagram", "--stack", "dev", "--output", str(file)]) == ExitCode.DONE
    assert str(file) in capsys.readouterr().err


def run(command: Sequence[str | Path], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": os.environ.get("HOME", "/"), "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_command_and_the_module_print_the_same_version() -> None:
    command, module = (
        run([SANDBOX, "--version"]),
        run([sys.executable, "-m", "sandbox", "--version"]),
    )
    assert command.returncode == module.returncode == 0
    assert command.stdout == module.stdout
    assert command.stdout.startswith("sandbox ")


def test_completion_is_offered_for_the_command_only() -> None:
    assert "--install-completion" in run([SANDBOX, "--help"]).stdout
    assert "--install-completion" not in run([sys.executable, "-m", "sandbox", "--help"]).stdout


def test_the_command_line_loads_nothing_that_only_a_command_needs() -> None:
    heavy = {"asyncssh", "boto3", "botocore", "pulumi", "pulumi_aws", "pydantic", "yaml"}
    code = "import sys, sandbox.cli; print(*sys.modules)"
    loaded = set(run([sys.executable, "-c", code]).stdout.split())
    assert "sandbox.cli" in loaded
    assert loaded & heavy == set()


@pytest.mark.parametrize(
    "words", [["status"], ["drift"], ["diagram"], ["recover"], ["zones", "propose"]], ids=" ".join
)
def test_without_pulumi_on_path_a_command_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.run(["--quiet", *words, "--stack", "dev"]) == ExitCode.FAILED
    [line] = capsys.readouterr().err.splitlines()
    assert "pulumi is not on PATH" in line


@pytest.mark.parametrize("lines", [1, 100_000], ids=["short", "longer than a pipe's buffer"])
def test_a_closed_pipe_ends_quietly(lines: int) -> None:
    code = (
        "import sys; from sandbox import cli; from sandbox.core import output\n"
        f"cli.app.command('long')(lambda: [output.result('line') for _ in range({lines})])\n"
        "sys.exit(cli.run(['long']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == ExitCode.DONE


def test_ctrl_c_while_pulumi_runs_ends_in_one_line(fake_pulumi: FakePulumi, tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = fake_pulumi.folder / "pulumi"
    script.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 60\n")
    script.chmod(0o755)
    with subprocess.Popen(
        [SANDBOX, "--quiet", "diagram", "--stack", "dev"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not started.exists():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr
        assert process.stderr.read().splitlines() == ["interrupted"]
        assert process.wait() == ExitCode.INTERRUPTED
