"""Pulumi, by its command line: the only module here that touches a stack.

The command line and not the Automation API: that one writes deployments to a file before it imports
them, and ours holds the access key's secret, which here only goes through pipes.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from migrate.errors import MigrationError

PROJECT_FILE: Final = "Pulumi.yaml"
LOCKED: Final = "the stack is currently locked"
NO_STACK: Final = "no stack named"
NOT_FOR_A_REHEARSAL: Final = ("PULUMI_DEBUG_GRPC", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK")
"""Of the caller's environment, not for a rehearsal: a log of all calls, and what names others."""
NOT_COPIED: Final = frozenset({".git", ".pulumi", ".local", PROJECT_FILE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack, as its project's folder and the environment's backend know it."""

    project: Path
    name: str
    environment: Mapping[str, str]

    @classmethod
    def here(cls, name: str, project: Path | None = None) -> "Stack":
        """The stack *name* of the project in this folder.

        Raises:
            MigrationError: there is no Pulumi here.
        """
        folder = project or Path.cwd()
        if not (folder / PROJECT_FILE).is_file():
            raise MigrationError(
                f"{folder}: has no {PROJECT_FILE}; run this in the program's folder"
            )
        if shutil.which("pulumi") is None:
            raise MigrationError("pulumi is not on PATH; install it or open its shell first")
        quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}
        environment = {
            key: value for key, value in os.environ.items() if key != "PULUMI_DEBUG_GRPC"
        }
        return cls(project=folder, name=name, environment={**environment, **quiet})

    def settings(self, namespace: str) -> dict[str, Any]:
        """The config below *namespace*, its defaults too; what is no text as JSON has it."""
        prefix = f"{namespace}:"
        return {
            key.removeprefix(prefix): one.get("objectValue", _value(one.get("value", "")))
            for key, one in json.loads(self._run("config", "--json")).items()
            if key.startswith(prefix)
        }

    def set_config(self, values: Mapping[str, Any]) -> None:
        """Set *values*, whole: what a mapping held before does not stay in it."""
        if not values:
            return
        given = {
            key: {"value": value, "secret": False}
            if isinstance(value, str)
            else {"value": json.dumps(value), "objectValue": value, "secret": False}
            for key, value in values.items()
        }
        self._run("config", "set-all", "--json", json.dumps(given))

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's deployment; secrets only as text in memory, never in a file."""
        return json.loads(
            self._run("stack", "export", *(["--show-secrets"] if show_secrets else []))
        )

    def load(self, deployment: Mapping[str, Any]) -> None:
        """Make *deployment* the stack's; its secrets are encrypted on the way, by the engine."""
        self._run("stack", "import", given=json.dumps(deployment))

    def adopt(self, import_file: Mapping[str, object]) -> None:
        """The engine's own import: each resource is read, none is changed."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(import_file, file)
            file.flush()
            self._run(
                "import",
                *("--file", file.name, "--generate-code=false", "--protect=false"),
                *("--skip-preview", "--yes"),
            )

    def preview(self) -> dict[str, Any]:
        """What the next update would do."""
        return json.loads(self._run("preview", "--json"))

    @contextmanager
    def rehearsal(self) -> Generator["Stack"]:
        """A stack of the same name on a backend of its own that is gone afterwards.

        Its secrets are encrypted with a passphrase that nobody ever learns.
        """
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as temporary:
            project, backend = Path(temporary, "project"), Path(temporary, "state")
            project.mkdir()
            backend.mkdir()
            shutil.copy(self.project / PROJECT_FILE, project)
            for entry in self.project.iterdir():
                if entry.name not in NOT_COPIED and not entry.match("Pulumi.*.yaml"):
                    (project / entry.name).symlink_to(entry)
            kept = {
                key: value
                for key, value in self.environment.items()
                if key not in NOT_FOR_A_REHEARSAL
            }
            stack = Stack(
                project=project,
                name=self.name,
                environment={
                    **kept,
                    "PULUMI_BACKEND_URL": backend.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(32),
                },
            )
            stack.create()
            yield stack

    def create(self) -> None:
        """Make the stack, empty."""
        self._run("stack", "init", "--secrets-provider", "passphrase", name=[self.name])

    def _run(
        self, *arguments: str, given: str | None = None, name: Sequence[str] | None = None
    ) -> str:
        target = ["--stack", self.name] if name is None else list(name)
        ran = subprocess.run(  # noqa: S603 - pulumi with arguments of our own, no shell
            ["pulumi", *arguments, *target, "--non-interactive"],  # noqa: S607 - the user's own
            cwd=self.project,
            env=dict(self.environment),
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise MigrationError(self._complaint(arguments, ran.stdout, ran.stderr))
        return ran.stdout

    def _complaint(self, arguments: Sequence[str], stdout: str, stderr: str) -> str:
        if LOCKED in stderr + stdout:
            return (
                f"stack {self.name}: is locked by another run, or by one that was killed; if none "
                f"is going on: pulumi cancel --stack {self.name}, then run this again"
            )
        if NO_STACK in stderr:
            return (
                f"stack {self.name}: does not exist; make it where its state is to be kept, with: "
                f"pulumi stack init {self.name}"
            )
        command = " ".join(one for one in arguments if not one.startswith(("-", "/", "{")))
        said = _errors(stdout) or _errors(stderr) or ["it did not say why"]
        return f"stack {self.name}: pulumi {command}: {'; '.join(said)}"


def _value(text: str) -> Any:  # noqa: ANN401 - a setting may be anything
    """The engine prints numbers and booleans as text."""
    return json.loads(text) if text in {"true", "false"} or text.isdecimal() else text


def _errors(text: str) -> list[str]:
    """What the engine calls an error in *text*, each once: in JSON or in lines."""
    try:
        diagnostics = json.loads(text).get("diagnostics", [])
    except (ValueError, AttributeError):
        found = [_last_line(part) for part in re.split(r"^\s*error:", text, flags=re.MULTILINE)[1:]]
    else:
        found = [
            _last_line(one["message"])
            for one in cast("list[dict[str, str]]", diagnostics)
            if one.get("severity") == "error"
        ]
    return list(dict.fromkeys(one for one in found if one))


def _last_line(text: str) -> str:
    """One line for an error: its first paragraph, or the last line of that if it is a traceback."""
    lines = [line.strip() for line in re.split(r"\n\s*\n", text.strip())[0].splitlines()]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)
