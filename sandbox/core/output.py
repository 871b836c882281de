"""What commands print: results to standard output, as a table or as JSON; notes to standard error.

A table is drawn for a terminal only. In a pipe each row is one line, and no cell is cut, so that
`grep` and `cut` can read it.
"""

import json
import os
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

SEPARATOR: Final = "  "
DEFAULT_WIDTH: Final = 80
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal or turn the direction of text. AWS lets anybody put them into
names and tags."""


PATIENCE_SECONDS: Final = 2.0
"""The seconds for which a command may print nothing."""


class _Settings:
    quiet = False
    spoken = False
    """Whether the command has printed anything yet."""


def set_quiet(*, quiet: bool) -> None:
    """Set whether to print results and errors only, as `--quiet` says."""
    _Settings.quiet = quiet


def result(text: str) -> None:
    """Print a line of the command's result, as it is: never wrapped, styled or cut."""
    _Settings.spoken = True
    sys.stdout.write(f"{text}\n")


def json_result(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print the command's result as JSON."""
    _Settings.spoken = True
    sys.stdout.write(json_text(value))


def json_text(value: Any) -> str:  # noqa: ANN401 - as above
    """*value* as JSON that a person can read too."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def note(text: str) -> None:
    """Print to standard error what the command does or what to do next; `--quiet` hides it."""
    if not _Settings.quiet:
        _errors().print(Text(harmless(text)))


def error(text: str) -> None:
    """Print to standard error why the command ends."""
    _errors().print(Text(harmless(text)), style="red")


def harmless(text: str) -> str:
    """*text* without characters that steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


@contextmanager
def progress(text: str) -> Generator[None]:
    """Announce work that takes long: a spinner in a terminal, otherwise a line."""
    console = _errors()
    if _Settings.quiet:
        yield
    elif console.is_terminal:
        with console.status(Text(f"{text} …")):
            yield
    else:
        console.print(Text(f"{text} …"))
        yield


def progress_console() -> Console:
    """Standard error, for a progress display of the caller's own; `--quiet` hides it."""
    console = _errors()
    console.quiet = _Settings.quiet
    return console


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print *rows* below *columns*; in a terminal long cells are folded, never cut."""
    console = Console(soft_wrap=False, highlight=False)
    _Settings.spoken = True
    rows = [[harmless(cell).replace("\n", " ") for cell in row] for row in rows]
    if not console.is_terminal:
        _plain_table(columns, rows)
        return
    drawn = Table(title=Text(title) if title else None, box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(Text(column, "bold"), overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    console.print(drawn)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(SEPARATOR.join(cells).rstrip() + "\n")


@contextmanager
def patience(command: str) -> Generator[None]:
    """Announce that *command* works, if it has printed nothing for a while."""
    _Settings.spoken = False
    timer = Timer(PATIENCE_SECONDS, _say_working, [command])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def mark_spoken() -> None:
    """Record that the caller prints by itself."""
    _Settings.spoken = True


def _say_working(command: str) -> None:
    if not _Settings.spoken:
        note(f"{command}: working …")


def _errors() -> Console:
    _Settings.spoken = True
    # Rich prints nothing into a width of 0
    width = DEFAULT_WIDTH if os.environ.get("COLUMNS") == "0" else None
    return Console(stderr=True, soft_wrap=True, highlight=False, width=width)
