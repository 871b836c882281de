"""Decisions that a seed repeats."""

from collections import Counter
from hashlib import sha256
from threading import Lock


class SeededRandom:
    """The decisions of one seed.

    Calls arrive in an order of their own in each run. So a decision does not depend on the others,
    only on how many of the same subject came before.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def fraction(self, subject: str) -> float:
        """From 0 up to 1, without 1."""
        with self._lock:
            self._taken[subject] += 1
            time = self._taken[subject]
        digest = sha256(f"{self._seed} {subject} {time}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64
