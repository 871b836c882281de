"""Ctrl-C, SIGTERM and SIGHUP end a build once; what then cleans up is never interrupted."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from ami.errors import Interrupted

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Raises `Interrupted` at the first signal, and only while it is armed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._armed = False
        self._told = False

    def arm(self) -> None:
        self._armed = True

    def hold(self) -> None:
        """From here on a signal changes nothing: what runs must run to its end."""
        self._armed = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._armed:
            self._armed = False
            raise Interrupted(number, name)
        if not self._told:
            self._told = True
            self._say(f"{name}: still removing what the build made, this is not interrupted")


@contextmanager
def handled(say: Callable[[str], None]) -> Generator[Signals]:
    signals = Signals(say)
    before = {number: signal.signal(number, signals.handle) for number in ENDING}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
