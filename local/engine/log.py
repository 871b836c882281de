"""Progress on stderr: stdout belongs to what a command answers."""

import sys
import time


def say(line: str) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)


class Progress:
    """One line that changes in a terminal; in a log, one now and then."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._began = self._said = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def step(self) -> None:
        """Count one package more; some come from the cache and are not counted."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= (0.2 if self._terminal else 30):
            self._said = now
            line = f"engine: {self._what}: {self._done} of at most {self._total} packages"
            line += f", {now - self._began:.0f} s"
            print(line, end="\033[K\r" if self._terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._terminal:
            print("\033[K", end="", file=sys.stderr)
        say(f"{self._what}: done in {time.monotonic() - self._began:.0f} s")
