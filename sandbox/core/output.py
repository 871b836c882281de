"""What commands print: results to standard output, as a table or as JSON; notes to standard error.

A table is drawn for a terminal only. In a pipe each row is one line, and no cell is cut, so that
`grep` and `cut` can read it.
"""

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

SEPARATOR: Final = "  "


class _Settings:
    quiet = False


def set_quiet(*, quiet: bool) -> None:
    """Print results and errors only, no notes and no progress."""
    _Settings.quiet = quiet


def result(text: str) -> None:
    """Print a line of the command's result, as it is: never wrapped, styled or cut."""
    sys.stdout.write(f"{text}\n")


def json_result(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print the command's result as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def note(text: str) -> None:
    """Say on standard error what the command does or what to do next; `--quiet` hides it."""
    if not _Settings.quiet:
        _errors().print(Text(text))


def error(text: str) -> None:
    """Say on standard error why the command ends."""
    _errors().print(Text(text), style="red")


@contextmanager
def progress(text: str) -> Generator[None]:
    """Say what takes long, before it starts: a spinner in a terminal, a line anywhere else."""
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


def _errors() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)
