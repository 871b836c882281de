"""The intervals of polls and the limits of waits, in one object, so that tests can shorten them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Intervals and limits; times are in seconds."""

    poll_interval: float = 5.0
    """Between two polls of AWS."""
    login_retry_interval: float = 0.25
    """Between two tries to log in."""
    visible: float = 90
    """Until AWS finds a new resource."""
    running: float = 600
    login: float = 900
    refused: float = 120
    """Until a refused key is an error; cloud-init installs the key seconds after sshd starts."""
    ready: float = 900
    """Until the machine has finished its first boot."""
    upgrade: float = 1800
    """The set-up stage `base`."""
    software: float = 5400
    """The set-up stage `software`: 30 GiB of downloads and three builds."""
    verify: float = 1800
    """The first import of PyTorch from a cold disk takes minutes."""
    check: float = 900
    """One short script, such as the clean-up before the image is taken."""
    reboot: float = 900
    stopped: float = 1800
    """GPU machines take minutes to stop."""
    available: float = 5400
    """From CreateImage until the image can be used."""
    terminated: float = 1200
    sweep: float = 1800
    """The whole of the last search for leftovers."""
    empty_sweeps_required: int = 3
    """A number: the consecutive searches that must find nothing after a fault, because EC2's lists
    may be out of date."""
    sweep_interval: float = 5.0
    """Between two searches."""
    keepalive_interval: float = 15.0
    """Between two SSH keepalives; after three without an answer the connection counts as broken."""
    reconnects: int = 3
    """A number: the restarts of a set-up script after broken connections."""
    deadline: float = 5 * 3600
    """From the start of the machine until it terminates itself, even without the builder."""

    @property
    def work(self) -> float:
        """The longest time from the launch to the seal."""
        boots = self.login + self.ready + 2 * (self.reboot + self.ready)
        return self.running + boots + self.upgrade + self.software + self.verify + 2 * self.check

    @property
    def build(self) -> float:
        """The longest time of a whole build."""
        return self.work + self.stopped + self.available + self.terminated + self.sweep


class LimitReachedError(Exception):
    """A wait took longer than its limit."""

    def __init__(self, goal: str, limit: float) -> None:
        super().__init__(f"{goal}: not within {limit:g} s")


def until(poll: Callable[[], T | None], *, limit: float, interval: float, goal: str) -> T:
    """Call *poll* every *interval* seconds until it returns something other than None.

    Raises:
        LimitReachedError: *goal* was not reached within *limit* seconds.
    """
    end = time.monotonic() + limit
    while (result := poll()) is None:
        if time.monotonic() + interval > end:
            raise LimitReachedError(goal, limit)
        time.sleep(interval)
    return result
