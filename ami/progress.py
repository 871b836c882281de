"""The progress of a build: a live table in a terminal, plain lines anywhere else."""

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


class BuildProgress(Protocol):
    """Receives the steps that a build reports."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Report a step, which lasts until the end of the block."""
        ...

    def note(self, text: str) -> None:
        """Report what the running step is doing."""
        ...

    def say(self, text: str) -> None:
        """Print a line that stays visible."""
        ...


class StepClock:
    """Measures the seconds of each step; repetitions of a step are added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running: tuple[str, float] | None = None

    def start(self, name: str) -> None:
        """End the running step and start another."""
        self.stop()
        self._running = (name, time.monotonic())

    def stop(self) -> None:
        if self._running:
            name, begin = self._running
            spent = self.seconds.get(name, 0) + time.monotonic() - begin
            self.seconds[name] = round(spent, 1)
            self._running = None


@dataclass(frozen=True)
class TimedProgress:
    """Forwards everything to another progress, and measures each step."""

    shown: BuildProgress
    clock: StepClock = field(default_factory=StepClock)

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        self.clock.start(name)
        try:
            with self.shown.step(name):
                yield
        finally:
            self.clock.stop()

    def note(self, text: str) -> None:
        self.shown.note(text)

    def say(self, text: str) -> None:
        self.shown.say(text)


def elapsed(seconds: float) -> str:
    """A duration as minutes and seconds: 3:07."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


@dataclass
class PlainProgress:
    """Prints one line for the start of a step, for each note, and for its end."""

    console: Console
    started: float = field(default_factory=time.monotonic)
    _last_note: str = ""

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        begin = time.monotonic()
        self._print(f"{name} …")
        try:
            yield
        except BaseException:
            self._print(f"{name} failed after {elapsed(time.monotonic() - begin)}")
            raise
        self._print(f"{name} done in {elapsed(time.monotonic() - begin)}")

    def note(self, text: str) -> None:
        if text != self._last_note:
            self._last_note = text
            self._print(f"  {text}")

    def say(self, text: str) -> None:
        self._print(text)

    def _print(self, text: str) -> None:
        clock = elapsed(time.monotonic() - self.started)
        self.console.print(f"{clock:>6}  {text}", markup=False, highlight=False, soft_wrap=True)


@dataclass
class StepRow:
    """A step in the live table; times are those of `time.monotonic`."""

    name: str
    begin: float
    end: float = 0
    """0 while the step runs."""
    failed: bool = False
    note: str = ""


class LiveProgress:
    """A table of the steps with their times; lines that stay are printed above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = time.monotonic()
        self._rows: list[StepRow] = []
        self._spinner = Spinner("dots")
        self._live = Live(self, console=console, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        row = StepRow(name, time.monotonic())
        self._rows.append(row)
        try:
            yield
        except BaseException:
            row.failed = True
            raise
        finally:
            row.end = time.monotonic()

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
                if not row.end
                else Text("✗", "red")
                if row.failed
                else Text("✓", "green")
            )
            note = "" if row.end and not row.failed else row.note
            table.add_row(mark, row.name, elapsed((row.end or now) - row.begin), Text(note))
        table.add_row("", Text("total", "bold"), Text(elapsed(now - self.started), "bold"), "")
        yield table


@contextmanager
def on(console: Console) -> Generator[BuildProgress]:
    """Choose the display that fits *console*, until the end of the block."""
    if not console.is_terminal:
        yield PlainProgress(console)
        return
    with LiveProgress(console) as live:
        yield live
