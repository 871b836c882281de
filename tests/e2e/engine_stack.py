"""A copy of the program with its own stack, run by the real engine as a user runs it."""

import json
import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = (
    "Pulumi.yaml",
    "Pulumi.production.yaml",
    "__main__.py",
    "infra",
    "policies",
    "sandbox_client",
)
TIMEOUT: Final = 600
"""Seconds until a command counts as stuck; an update takes fifteen, on a busy machine minutes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit code and everything that it printed."""

    code: int
    output: str


def ran(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float = TIMEOUT
) -> Ran:
    """Run *command* in *folder* and return how it ended; kill it after *timeout* seconds."""
    completed = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ran(completed.returncode, completed.stdout)


def at_a_terminal(script: str, answers: str, environment: Mapping[str, str], folder: Path) -> Ran:
    """Run *script* in bash in a terminal, and type *answers*."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        os.close(follower)
        os.write(leader, answers.encode())
        output, _ = process.communicate(timeout=TIMEOUT)
        os.close(leader)
    return Ran(process.returncode, output)


class EngineStack:
    """The stack *name* in *folder*, against the account that *environment* points at."""

    def __init__(self, folder: Path, environment: Mapping[str, str], name: str = "test") -> None:
        self.folder = folder
        self.name = name
        self.environment = dict(environment)
        for part in PROGRAM:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part)  # with the bytecode of the same sources
            else:
                shutil.copy(source, folder / part)
        # the policy pack looks for the virtual environment beside the program
        (folder / ".venv").symlink_to(ROOT / ".venv")
        self.pulumi("stack", "init", name)

    def pulumi(self, *arguments: str, fails: bool = False) -> Ran:
        """Run a command of the engine, which must succeed, or with *fails* must fail."""
        completed = ran(["pulumi", "--non-interactive", *arguments], self.environment, self.folder)
        assert (completed.code != 0) is fails, completed.output
        return completed

    def configure(self, **config: object) -> None:
        """Write *config* as the only settings of the stack's file."""
        file = self.folder / f"Pulumi.{self.name}.yaml"
        content: dict[str, Any] = (
            yaml.safe_load(file.read_text()) if file.exists() else None
        ) or {}
        content["config"] = {f"sandbox:{key}": value for key, value in config.items()}
        file.write_text(yaml.safe_dump(content))

    def up(self, *arguments: str) -> Mapping[str, int]:
        """Update the stack; return how many resources were created, updated and so on."""
        self.pulumi("up", "--yes", "--skip-preview", *arguments)
        history = self.pulumi("stack", "history", "--json", "--page-size", "1", "--page", "1")
        return json.loads(history.output)[0]["resourceChanges"]

    def try_preview(self, *arguments: str) -> Ran:
        """Preview, and return how the command ended."""
        command = ["pulumi", "--non-interactive", "preview", *arguments]
        return ran(command, self.environment, self.folder)

    def preview(self, *arguments: str) -> Mapping[str, int]:
        """How many resources an update would create, update and so on."""
        output = self.pulumi("preview", "--json", *arguments).output
        return json.loads(output[output.index("{") :])["changeSummary"]

    def outputs(self, *, secrets: bool = False) -> dict[str, Any]:
        shown = ["--show-secrets"] if secrets else []
        return json.loads(self.pulumi("stack", "output", "--json", *shown).output)

    def destroy(self, *arguments: str) -> None:
        self.pulumi("destroy", "--yes", "--skip-preview", "--run-program", *arguments)

    def killed_up(self, when: Callable[[], bool]) -> None:
        """Start an update, and kill engine, program and providers as soon as *when* is true."""
        with subprocess.Popen(
            [
                "pulumi",
                "--non-interactive",
                "--cwd",
                str(self.folder),
                "up",
                "--yes",
                "--skip-preview",
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            while running.poll() is None and not when():
                pass
            assert running.poll() is None, "the update ended before it could be killed"
            os.killpg(running.pid, signal.SIGKILL)

    def urns(self) -> dict[str, str]:
        """The id of every resource in the state, by URN."""
        state = json.loads(self.pulumi("stack", "export").output)
        return {
            entry["urn"]: entry.get("id", "") for entry in state["deployment"].get("resources", [])
        }
