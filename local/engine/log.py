"""Progress goes to standard error, because standard output holds a command's result."""

import sys
import time


def log(line: str) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)


class Progress:
    """In a terminal, one line that changes; in a log, a new line every 30 seconds."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._started = self._printed = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def step(self) -> None:
        """Count one more package. Packages from the cache are not counted."""
        self._done += 1
        now = time.monotonic()
        if now - self._printed >= (0.2 if self._terminal else 30):
            self._printed = now
            line = f"engine: {self._title}: {self._done} of at most {self._total} packages"
            line += f", {now - self._started:.0f} s"
            print(line, end="\033[K\r" if self._terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._terminal:
            print("\033[K", end="", file=sys.stderr)
        log(f"{self._title}: done in {time.monotonic() - self._started:.0f} s")
