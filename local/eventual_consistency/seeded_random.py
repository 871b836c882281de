"""Random decisions that are the same for the same seed."""

from collections import Counter
from hashlib import sha256
from threading import Lock


class SeededRandom:
    """Random numbers of one seed.

    Calls arrive in another order in each run. So a number depends only on its subject and on how
    many numbers this subject had before.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def fraction(self, subject: str) -> float:
        """A number from 0 up to, but not including, 1."""
        with self._lock:
            self._taken[subject] += 1
            time = self._taken[subject]
        digest = sha256(f"{self._seed} {subject} {time}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64
