"""The time that the program's Python process needs for its imports."""

import re
import subprocess
import sys
import time
from typing import Final

from local.bench.programs import ROOT

ROUNDS: Final = 5
MAX_SHOWN: Final = 6
_TIMED: Final = re.compile(r"import time: +(\d+) \| +(\d+) \| +(\S+)$")
"""A line of -X importtime: the module's own microseconds, those with its imports, its name."""
_IMPORT: Final = re.compile(r"^(?:from|import) .+$", re.MULTILINE)


def evaluation() -> list[tuple[float, float]]:
    """Seconds to import all of the program, and to import pulumi, in turns."""
    program = _imports()
    return [(_python(program), _python("import pulumi")) for _ in range(ROUNDS)]


def _imports() -> str:
    """The import statements of the program."""
    return "\n".join(_IMPORT.findall((ROOT / "__main__.py").read_text(encoding="utf-8")))


def _python(code: str, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *options, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - started


def heaviest() -> list[tuple[str, float]]:
    """The packages whose modules take longest to import."""
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _imports()],
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
