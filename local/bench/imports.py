"""The time of the program's own Python process: its imports."""

import re
import subprocess
import sys
import time
from statistics import median
from typing import Final

from local.bench.copies import ROOT, Program

ROUNDS: Final = 5
MAX_SHOWN: Final = 6
_TIMED: Final = re.compile(r"import time: +(\d+) \| +(\d+) \| +(\S+)$")
"""A line of -X importtime: its own microseconds, those with its imports, its name."""
PROGRAM: Final = "import infra.settings, infra.stack_outputs, infra.components.spending_stop"


def evaluation() -> list[tuple[float, float]]:
    """Seconds to import all of the program, and to import pulumi, in turns."""
    return [(_python(PROGRAM), _python("import pulumi")) for _ in range(ROUNDS)]


def _python(code: str, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *options, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - started


def heaviest() -> list[tuple[str, float]]:
    """The packages whose own modules take longest to import."""
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", PROGRAM],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    seconds: dict[str, float] = {}
    for line in report.splitlines():
        if match := _TIMED.search(line):
            package = match[3].split(".")[0]
            seconds[package] = seconds.get(package, 0) + int(match[1]) / 1e6
    return sorted(seconds.items(), key=lambda item: -item[1])[:MAX_SHOWN]


def environment_listing(program: Program) -> float:
    """Seconds of `pip list`, which the Python host runs before every command."""
    durations: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(
            ["python", "-m", "pip", "list", "-v", "--format", "json"],
            cwd=program.folder,
            env=program.environment,
            check=True,
            capture_output=True,
        )
        durations.append(time.perf_counter() - started)
    return median(durations)
