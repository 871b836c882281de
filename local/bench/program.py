"""`make bench`: the program against an empty one, run in turns on the same engine.

Seconds depend on the machine, ratios on the program. So each pair is measured in turns, and the
median of the ratios counts.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Final

from local import emulator, engine
from local.bench import copies, imports, pack

PREVIEWS: Final = 3
UPS: Final = 1
GOAL: Final = 2.0
"""The most that a preview without a change may take, in previews of an empty program."""


def main() -> int:
    """Measure, print a table, and fail above a goal."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        installed = engine.ensure()
        aws = emulator.start(folder / "aws")
        try:
            full = copies.sandbox(installed, aws, folder)
            none = copies.empty(installed, aws, folder)
            ups = [(_up(full), _up(none)) for _ in range(UPS)]
            full.timed("up", "--yes", "--skip-preview")
            none.timed("up", "--yes", "--skip-preview")
            previews = [(_preview(full), _preview(none)) for _ in range(PREVIEWS)]
            guarded = pack.previews(full)
            listing = imports.environment_listing(full)
        finally:
            emulator.stop(folder / "aws")
    print(f"{'':34}{'sandbox':>10}{'empty':>10}{'ratio':>8}")
    _row("up from nothing", ups)
    ratio = _row("preview without change", previews)
    guarding = _row("with the guard rails (against: without)", guarded)
    _row("imports (against: import pulumi)", imports.evaluation())
    heaviest = ", ".join(f"{name} {took:.2f} s" for name, took in imports.heaviest())
    print(f"heaviest imports: {heaviest}")
    print(f"the host's `pip list`, once per command: {listing:.2f} s")
    print(f"goal, preview below {GOAL} empty ones: {'met' if ratio < GOAL else 'MISSED'}")
    met = "met" if guarding < pack.GOAL else "MISSED"
    print(f"goal, guarded preview below {pack.GOAL} without the policy pack: {met}")
    return 0 if ratio < GOAL and guarding < pack.GOAL else 1


def _up(program: copies.Program) -> float:
    took = program.timed("up", "--yes", "--skip-preview")
    program.timed("destroy", "--yes", "--skip-preview", "--run-program")
    return took


def _preview(program: copies.Program) -> float:
    return program.timed("preview", "--expect-no-changes")


def _row(name: str, pairs: list[tuple[float, float]]) -> float:
    ratio = median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (median(pair[side] for pair in pairs) for side in (0, 1))
    print(f"{name:34.34}{ours:9.2f}s{theirs:9.2f}s{ratio:8.2f}")
    return ratio


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (copies.BenchError, engine.EngineError, emulator.EmulatorError) as error:
        sys.exit(str(error))
