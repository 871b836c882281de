"""The only module here that touches a stack."""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.cli import CommandError, pulumi
from migrate.errors import MigrationError

PROJECT_FILE: Final = "Pulumi.yaml"
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
            MigrationError: there is no project here.
        """
        folder = project or Path.cwd()
        if not (folder / PROJECT_FILE).is_file():
            raise MigrationError(
                f"{folder}: has no {PROJECT_FILE}; run this in the program's folder"
            )
        environment = {
            key: value for key, value in os.environ.items() if key != "PULUMI_DEBUG_GRPC"
        }
        return cls(project=folder, name=name, environment=environment)

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
                *("--skip-preview", "--yes", "--json"),
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
        self._run("stack", "init", self.name, "--secrets-provider", "passphrase", stack="")

    def _run(self, *arguments: str, given: str = "", stack: str | None = None) -> str:
        named = self.name if stack is None else stack
        try:
            return pulumi(
                *arguments,
                stack=named,
                stdin=given,
                folder=self.project,
                environment=self.environment,
            )
        except CommandError as error:
            raise MigrationError(f"stack {self.name}: {error}") from None


def _value(text: str) -> Any:  # noqa: ANN401 - a setting may be anything
    """The engine prints numbers and booleans as text."""
    return json.loads(text) if text in {"true", "false"} or text.isdecimal() else text
