"""The two programs that are compared, each a copy with a state and an emulated AWS of its own."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import emulator, stack
from local.engine import Engine

ROOT: Final = Path(__file__).parents[1]
STACK: Final = "bench"
EMPTY: Final = (
    "name: sandbox-empty\nruntime: python\ndescription: the least that an engine can run\n"
)
_CONFIG: Final = {"sandbox:environment": "bench"}


class BenchError(Exception):
    """A measured command failed, so there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Program:
    """A folder with a program, and the environment that its commands run in."""

    folder: Path
    environment: Mapping[str, str]

    def timed(self, *arguments: str) -> float:
        """Run `pulumi` with *arguments*, and return its seconds.

        Raises:
            BenchError: it failed; the end of what it said.
        """
        began = time.perf_counter()
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - began
        if done.returncode:
            tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise BenchError(f"{self.folder.name}: pulumi {' '.join(arguments)}: {tail}")
        print(
            f"{self.folder.name}: {' '.join(arguments)}: {took:.1f} s", file=sys.stderr, flush=True
        )
        return took


def sandbox(engine: Engine, aws: emulator.Emulator, folder: Path) -> Program:
    """The project's program, as a checkout without a state has it."""
    here = folder / "sandbox"
    here.mkdir(parents=True)
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copyfile(ROOT / name, here / name)
    for name in ("infra",):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, here / name, ignore=shutil.ignore_patterns("__pycache__"))
    (here / ".venv").symlink_to(ROOT / ".venv")
    return _ready(Program(here, stack.environment(engine, aws, folder / "sandbox-state")), _CONFIG)


def empty(engine: Engine, aws: emulator.Emulator, folder: Path) -> Program:
    """A Python program of no line at all."""
    here = folder / "empty"
    here.mkdir(parents=True)
    (here / "Pulumi.yaml").write_text(EMPTY)
    (here / "__main__.py").write_text("")
    return _ready(Program(here, stack.environment(engine, aws, folder / "empty-state")), {})


def _ready(program: Program, config: Mapping[str, str]) -> Program:
    program.timed("stack", "init", STACK)
    for key, value in config.items():
        program.timed("config", "set", key, value)
    return program
