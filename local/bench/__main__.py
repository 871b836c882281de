"""`make bench`: the program against an empty one and against Terraform, run in turns.

Seconds depend on the machine, ratios on the program. So the two commands of a pair run in turns,
and the median of their ratios counts.
"""

import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Final

from local import emulator, engine
from local.bench import emulated_aws, imports, policy_pack, programs, terraform

LIVES: Final = 4
"""Times that each stack is created and destroyed. The first does not count: it compiles the
program's modules, and the emulated AWS imports its services."""
DELAYS: Final = (0, 80)
"""Milliseconds that the emulated AWS waits before each answer; a real region takes about 80."""
COMMANDS: Final = {
    "up": programs.UP,
    "preview": programs.PREVIEW,
    "preview with refresh": (*programs.PREVIEW, "--refresh"),
    "destroy": programs.DESTROY,
}
"""In the order of measurement."""
GUARDED: Final = "preview with the guard rails (against: without)"
REGISTRATIONS: Final = "preview of the registrations alone"
DELAYED: Final = f", {DELAYS[-1]} ms a call"
GOALS: Final = {
    "preview": 1.4,
    GUARDED: policy_pack.GOAL,
    emulated_aws.CHECKED: emulated_aws.CHECKED_GOAL,
    emulated_aws.START: emulated_aws.START_GOAL,
    **{f"{title} (against: Terraform){DELAYED}": 1.0 for title in terraform.COMMANDS},
}
"""The highest ratio of a row, or its seconds."""
WIDTH: Final = 58
"""Columns for the title of a row."""
Pairs = list[tuple[float, float]]


def main() -> int:
    """Measure, print a table, and return 1 if a row misses its goal."""
    # a background job ignores it, and then the engine waits 5 s for a host that it interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        installed = engine.ensure()
        rows = dict[str, Pairs]()
        for delay in DELAYS:
            measured = _measured(installed, Path(name) / str(delay), delay)
            rows |= {f"{title}{DELAYED if delay else ''}": row for title, row in measured.items()}
        rows[emulated_aws.CHECKED] = emulated_aws.updates(installed, Path(name) / "checked")
        started = emulated_aws.start_seconds(Path(name) / "start")
    print(f"{'':{WIDTH}}{'sandbox':>8}{'other':>10}{'ratio':>8}")
    ratios = {title: _row(title, pairs) for title, pairs in rows.items()}
    _row("imports (against: import pulumi)", imports.evaluation())
    heaviest = ", ".join(f"{package} {seconds:.2f} s" for package, seconds in imports.heaviest())
    print(f"heaviest imports: {heaviest}")
    print(f"{emulated_aws.START}: {started:.2f} s")
    values = {**ratios, emulated_aws.START: started}
    goals = {title: goal for title, goal in GOALS.items() if title in values}
    missed = {title for title, goal in goals.items() if values[title] >= goal}
    for title, goal in goals.items():
        print(f"goal, {title}: below {goal}: {'MISSED' if title in missed else 'met'}")
    return 1 if missed else 0


def _measured(installed: engine.Engine, folder: Path, delay: int) -> dict[str, Pairs]:
    """Seconds of the sandbox's commands and of the commands compared with them, by title.

    The others are those of an empty program and, with a delay and `terraform` on PATH, of the same
    resources in Terraform, in a separate account, with a provider from the same sources.
    """
    accounts = [folder / "aws", folder / "other-aws"]
    aws, other_aws = (emulator.start(emulated_aws, delay=delay) for emulated_aws in accounts)
    try:
        sandbox = programs.sandbox(installed, aws, folder)
        empty = programs.empty(installed, aws, folder)
        rivals = terraform.Terraform(folder / "terraform", other_aws)
        compares = bool(delay) and terraform.possible()
        rows = defaultdict[str, Pairs](list)
        for life in range(LIVES):
            for title, arguments in COMMANDS.items():
                seconds, least = sandbox.timed(*arguments), empty.timed(*arguments)
                rows[title].append((seconds, least))
                if title == "up" and not life and compares:
                    rivals.configure(sandbox)
                if title in terraform.COMMANDS and compares:
                    rows[f"{title} (against: Terraform)"].append((seconds, rivals.timed(title)))
                if title == "preview" and not delay:
                    rows[GUARDED].extend(policy_pack.previews(sandbox))
                    registrations = programs.registrations(sandbox, folder / str(life))
                    rows[REGISTRATIONS].append((registrations.timed(*arguments), least))
            if not life:
                rows.clear()
        return rows
    finally:
        for emulated_aws in accounts:
            emulator.stop(emulated_aws)


def _row(title: str, pairs: Pairs) -> float:
    ratio = median(left / right for left, right in pairs)
    left, right = (median(pair[side] for pair in pairs) for side in (0, 1))
    print(f"{title:{WIDTH}}{left:6.2f}s{right:9.2f}s{ratio:8.2f}")
    return ratio


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (programs.BenchError, engine.EngineError, emulator.EmulatorError) as error:
        sys.exit(str(error))
