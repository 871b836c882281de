"""The first Ctrl-C, SIGTERM or SIGHUP ends a build; further ones do not interrupt the clean-up."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from sandbox.core.errors import Interrupted

HANDLED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SignalHandler:
    """Raises `Interrupted` at the first signal while it is armed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._armed = False
        self._answered = False

    def arm(self) -> None:
        """From now on, a signal ends the build."""
        self._armed = True

    def disarm(self) -> None:
        """From now on, a signal changes nothing: the current work continues to its end."""
        self._armed = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        signal_received = signal.Signals(number)
        if self._armed:
            self._armed = False
            raise Interrupted(signal_received)
        if not self._answered:
            self._answered = True
            self._say(
                f"{signal_received.name}: ignored; the build is removing its temporary resources"
            )


@contextmanager
def handled(say: Callable[[str], None]) -> Generator[SignalHandler]:
    """Handle the signals in this block; restore the earlier handlers at its end."""
    handler = SignalHandler(say)
    before = {number: signal.signal(number, handler.handle) for number in HANDLED}
    try:
        yield handler
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
