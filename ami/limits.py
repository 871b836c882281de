"""How often to look and how long to wait; one object, so that a test can be fast and true."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, all of them."""

    poll: float = 5.0
    """Between two looks at AWS."""
    knock: float = 0.5
    """Between two tries to log in."""
    visible: float = 90
    """How long something just made may not be found yet."""
    running: float = 600
    login: float = 900
    ready: float = 900
    """Until the machine's own first boot work is over."""
    setup: float = 5400
    """One run of the set-up script."""
    check: float = 900
    """One short script: the verification, the clean-up of the image."""
    reboot: float = 900
    stopped: float = 1800
    """GPU machines take minutes to stop."""
    available: float = 5400
    """From CreateImage until the image can be used."""
    terminated: float = 1200
    sweep: float = 1800
    """The whole of the last search for leftovers."""
    quiet_rounds: int = 3
    """Searches in a row that must find nothing after a fault: an answer may be stale."""
    quiet_pause: float = 5.0
    """Between two of them."""
    keepalive: float = 15.0
    """A silent connection is given up after three of these."""
    reconnects: int = 3
    """How often a set-up script is started again after its connection broke."""
    deadline: float = 4 * 3600
    """When the machine ends itself, whatever became of its builder."""


class LimitReachedError(Exception):
    def __init__(self, what: str, limit: float) -> None:
        super().__init__(f"{what}: not within {limit:g} s")


def until(look: Callable[[], T | None], *, limit: float, every: float, what: str) -> T:
    """Look until there is something to see, or say what did not come within *limit*."""
    end = time.monotonic() + limit
    while (seen := look()) is None:
        if time.monotonic() + every > end:
            raise LimitReachedError(what, limit)
        time.sleep(every)
    return seen
