"""The cost of the emulated AWS: its start, and an update with and without its checks."""

import time
from pathlib import Path
from statistics import median
from typing import Final

from local import emulator
from local.bench import programs
from local.engine import Engine

ROUNDS: Final = 5
START: Final = "start of the emulated AWS, in seconds"
START_GOAL: Final = 2
"""The longest start, in seconds."""
CHECKED: Final = "up and destroy (against: without the checks)"
CHECKED_GOAL: Final = 1.1
"""The longest update, as a multiple of one without permissions, models and limits."""


def start_seconds(folder: Path) -> float:
    """Seconds from the start of the process until it answers."""
    return median(_start(folder / str(number)) for number in range(ROUNDS))


def _start(folder: Path) -> float:
    started = time.perf_counter()
    emulator.start(folder)
    try:
        return time.perf_counter() - started
    finally:
        emulator.stop(folder)


def updates(installed: Engine, folder: Path) -> list[tuple[float, float]]:
    """Seconds of an update and a destroy, with the checks and without them, in turns."""
    accounts = {checked: folder / str(checked) for checked in (True, False)}
    try:
        checked, unchecked = (
            programs.sandbox(installed, emulator.start(account, checked=kind), account)
            for kind, account in accounts.items()
        )
        return [(_life(checked), _life(unchecked)) for _ in range(ROUNDS)]
    finally:
        for account in accounts.values():
            emulator.stop(account)


def _life(program: programs.ProgramCopy) -> float:
    return program.timed(*programs.UP) + program.timed(*programs.DESTROY)
