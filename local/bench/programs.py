"""The programs that are compared, each a copy in a folder of its own."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from local import emulator, stack
from local.engine import Engine

ROOT: Final = Path(__file__).parents[2]
STACK: Final = "bench"
EMPTY: Final = "name: sandbox-empty\nruntime: python\ndescription: an empty program\n"
_CONFIG: Final = {
    "sandbox:environment": "bench",
    **{f"sandbox:zones.us-east-1{letter}": str(slot) for slot, letter in enumerate("abc")},
}
"""The zones are pinned, as the README advises and as they are in Terraform's configuration."""

_OF_THE_ENGINE: Final = frozenset({"pulumi:pulumi:Stack", "pulumi:providers:pulumi"})
"""Types that the engine registers by itself."""
UP: Final = ("up", "--yes", "--skip-preview")
PREVIEW: Final = ("preview", "--expect-no-changes")
DESTROY: Final = ("destroy", "--yes", "--skip-preview", "--run-program")


class BenchError(Exception):
    """A measured command failed."""


@dataclass(frozen=True, slots=True)
class ProgramCopy:
    """A folder with a program, and the environment that its commands run in."""

    folder: Path
    environment: Mapping[str, str]

    def timed(self, *arguments: str) -> float:
        """Run `pulumi` with *arguments*, and return its seconds.

        Raises:
            BenchError: it failed; the text ends with the command's last lines.
        """
        started = time.perf_counter()
        completed = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if completed.returncode:
            tail = " | ".join((completed.stdout + completed.stderr).strip().splitlines()[-12:])
            raise BenchError(f"{self.folder.name}: pulumi {' '.join(arguments)}: {tail}")
        print(
            f"{self.folder.name}: {' '.join(arguments)}: {seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )
        return seconds

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        exported = subprocess.run(
            ["pulumi", "stack", "export", "--stack", STACK],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return json.loads(exported.stdout)["deployment"]["resources"]


def sandbox(engine: Engine, aws: emulator.Emulator, folder: Path) -> ProgramCopy:
    """The project's program, without a state."""
    copy = folder / "sandbox"
    copy.mkdir(parents=True)
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copyfile(ROOT / name, copy / name)
    shutil.copytree(ROOT / "infra", copy / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return _ready(
        ProgramCopy(copy, stack.environment(engine, aws, folder / "sandbox-state")), _CONFIG
    )


def empty(engine: Engine, aws: emulator.Emulator, folder: Path) -> ProgramCopy:
    """An empty Python program."""
    copy = folder / "empty"
    copy.mkdir(parents=True)
    (copy / "Pulumi.yaml").write_text(EMPTY)
    (copy / "__main__.py").write_text("")
    return _ready(ProgramCopy(copy, stack.environment(engine, aws, folder / "empty-state")), {})


def registrations(of: ProgramCopy, folder: Path) -> ProgramCopy:
    """A program with the resources and the state of the program *of*, which is up."""
    copy = folder / "registrations"
    copy.mkdir(parents=True)
    for name in ("Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copyfile(of.folder / name, copy / name)
    shutil.copyfile(Path(__file__).parent / "registrations.py", copy / "__main__.py")
    (copy / ".venv").symlink_to(ROOT / ".venv")
    entries = [
        {**entry, "version": version("pulumi-aws") if "aws" in entry["type"] else None}
        for entry in of.resources()
        if entry["type"] not in _OF_THE_ENGINE
    ]
    (copy / "resources.json").write_text(json.dumps(entries), encoding="utf-8")
    return replace(of, folder=copy, environment={**of.environment, "PULUMI_STACK": STACK})


def _ready(program: ProgramCopy, config: Mapping[str, str]) -> ProgramCopy:
    program.timed("stack", "init", STACK)
    for key, value in config.items():
        program.timed("config", "set", "--path", key, value)
    return program
