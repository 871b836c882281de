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
DELAYS: Final = (0, 80)
"""Milliseconds that the emulated AWS waits before each answer; a real region takes about 80."""
GOAL: Final = 1.4
"""The most that a preview without a change may take, in previews of an empty program."""
PREVIEW: Final = ("preview", "--expect-no-changes")
Pairs = list[tuple[float, float]]


def main() -> int:
    """Measure, print a table, and fail above a goal."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        installed = engine.ensure()
        rows = dict[str, Pairs]()
        for delay in DELAYS:
            rows |= _measured(installed, Path(name) / str(delay), delay)
    print(f"{'':44}{'sandbox':>10}{'empty':>10}{'ratio':>8}")
    ratios = {title: _row(title, pairs) for title, pairs in rows.items()}
    _row("imports (against: import pulumi)", imports.evaluation())
    heaviest = ", ".join(f"{package} {seconds:.2f} s" for package, seconds in imports.heaviest())
    print(f"heaviest imports: {heaviest}")
    goals = {"preview": GOAL, "preview with the guard rails (against: without)": pack.GOAL}
    missed = {title: goal for title, goal in goals.items() if ratios[title] >= goal}
    for title, goal in goals.items():
        print(f"goal, {title}: below {goal}: {'MISSED' if title in missed else 'met'}")
    return 1 if missed else 0


def _measured(installed: engine.Engine, folder: Path, delay: int) -> dict[str, Pairs]:
    """Seconds of the sandbox's commands and of the empty program's, by title."""
    aws = emulator.start(folder / "aws", delay=delay)
    try:
        sandbox = copies.sandbox(installed, aws, folder)
        empty = copies.empty(installed, aws, folder)
        changing = {
            arguments[0]: [(sandbox.timed(*arguments), empty.timed(*arguments))]
            for arguments in (
                ("up", "--yes", "--skip-preview"),
                ("destroy", "--yes", "--skip-preview", "--run-program"),
            )
        }
        for program in (sandbox, empty):
            program.timed("up", "--yes", "--skip-preview")
        pairs = {
            title: [(sandbox.timed(*arguments), empty.timed(*arguments)) for _ in range(PREVIEWS)]
            for title, arguments in {
                "preview": PREVIEW,
                "preview with refresh": (*PREVIEW, "--refresh"),
            }.items()
        }
        if delay:
            titled = {**changing, **pairs}
            return {f"{title}, {delay} ms a call": rows for title, rows in titled.items()}
        guarded = {"preview with the guard rails (against: without)": pack.previews(sandbox)}
        return {**changing, **pairs, **guarded}
    finally:
        emulator.stop(folder / "aws")


def _row(title: str, pairs: Pairs) -> float:
    ratio = median(left / right for left, right in pairs)
    left, right = (median(pair[side] for pair in pairs) for side in (0, 1))
    print(f"{title:48.48}{left:6.2f}s{right:9.2f}s{ratio:8.2f}")
    return ratio


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (copies.BenchError, engine.EngineError, emulator.EmulatorError) as error:
        sys.exit(str(error))
