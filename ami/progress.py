"""What the user sees of a build: a live table in a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console, ConsoleOptions, RenderResult


class Progress(Protocol):
    def step(self, name: str) -> AbstractContextManager[None]:
        """One step of the work, from here to the end of the block."""
        ...

    def note(self, text: str) -> None:
        """What the running step is at."""
        ...

    def say(self, text: str) -> None:
        """Something to keep in view."""
        ...


def elapsed(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


@dataclass
class Lines:
    """One line when a step starts, notes as they come, one when it ends."""

    console: Console
    started: float = field(default_factory=time.monotonic)
    _noted: str = ""

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        begun = time.monotonic()
        self._print(f"{name} ...")
        try:
            yield
        except BaseException:
            self._print(f"{name} failed after {elapsed(time.monotonic() - begun)}")
            raise
        self._print(f"{name} done in {elapsed(time.monotonic() - begun)}")

    def note(self, text: str) -> None:
        if text != self._noted:
            self._noted = text
            self._print(f"  {text}")

    def say(self, text: str) -> None:
        self._print(text)

    def _print(self, text: str) -> None:
        clock = elapsed(time.monotonic() - self.started)
        self.console.print(f"{clock:>6}  {text}", markup=False, highlight=False, soft_wrap=True)


@dataclass
class Row:
    name: str
    begun: float
    ended: float = 0
    failed: bool = False
    note: str = ""


class Rows:
    """The live table; what is said goes above it and stays."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()
        self._rows: list[Row] = []
        self._spinner = Spinner("dots")
        self._live = Live(self, console=console, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        row = Row(name, time.monotonic())
        self._rows.append(row)
        try:
            yield
        except BaseException:
            row.failed = True
            raise
        finally:
            row.ended = time.monotonic()

    def note(self, text: str) -> None:
        if self._rows:
            self._rows[-1].note = text

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(min_width=1, no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim", overflow="ellipsis", no_wrap=True, ratio=1)
        now = time.monotonic()
        for row in self._rows:
            mark = (
                self._spinner
                if not row.ended
                else Text("✗", "red")
                if row.failed
                else Text("✓", "green")
            )
            note = "" if row.ended and not row.failed else row.note
            table.add_row(mark, row.name, elapsed((row.ended or now) - row.begun), Text(note))
        table.add_row("", Text("total", "bold"), Text(elapsed(now - self.started), "bold"), "")
        yield table


@contextmanager
def shown(console: Console) -> Generator[Progress]:
    if not console.is_terminal:
        yield Lines(console)
        return
    with Rows(console) as rows:
        yield rows
