"""Results go to standard output, notes to standard error, for people and for programs."""

import json
import re
from collections.abc import Iterator

import pytest

from sandbox.core import output
from tests.sandbox.core.terminal import Terminal

COLUMNS = ("user", "cost")
LONG_NAME = "a-user-with-a-name-longer-than-a-line-of-a-terminal-" * 2
ROWS = [("alice", "12.00"), (f"[b]{LONG_NAME}[/b]", "3.50")]


def terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Redirect standard output and standard error to one terminal.

    Call it in the test: the capture of pytest would undo a fixture before the test begins.
    """
    screen = Terminal()
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.stderr", screen)
    return screen


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    yield
    output.set_quiet(quiet=False)


def test_a_table_in_a_pipe_has_a_row_a_line_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.table(COLUMNS, ROWS, title="November")
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == list(COLUMNS)
    assert [tuple(row.split()) for row in rows] == ROWS


def test_a_table_in_a_terminal_fits_80_columns_and_cuts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = terminal_of_80_columns(monkeypatch)
    output.table(COLUMNS, ROWS)
    lines = re.sub(r"\x1b\[\d+m", "", terminal.getvalue()).splitlines()
    assert all(len(line) <= 80 for line in lines)
    name_column = "".join(line.split(" ")[0] for line in lines[2:])
    assert f"[b]{LONG_NAME}[/b]" in name_column


@pytest.mark.parametrize("no_color", [False, True])
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, *, no_color: bool) -> None:
    terminal = terminal_of_80_columns(monkeypatch)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    output.error("refused")
    assert ("\x1b[31m" in terminal.getvalue()) is not no_color


def test_quiet_leaves_results_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output.set_quiet(quiet=True)
    output.note("next: pulumi up")
    with output.progress("asking AWS"):
        output.result("vpc-1")
    output.error("refused")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("vpc-1\n", "refused\n")


def test_progress_is_a_line_before_the_work_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with output.progress("asking AWS"):
        assert "asking AWS" in capsys.readouterr().err


def test_a_long_message_in_a_pipe_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.error(f"stack dev: {LONG_NAME * 3} [not markup]")
    assert capsys.readouterr().err == f"stack dev: {LONG_NAME * 3} [not markup]\n"


def test_json_keeps_every_letter(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"user": "Zoë", "costs": [1.5, None, True]}
    output.json_result(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert "Zoë" in text
