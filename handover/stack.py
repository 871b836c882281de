"""The deployed stack, through the Pulumi command: what it put out, what it holds, and updates.

The only file here that speaks with Pulumi. Secrets are asked for in one place, by name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handover.errors import HandoverError
from infra import settings
from infra.cli import CommandError, pulumi
from infra.keys import Keys, Slot
from infra.outputs import SandboxConfig, SandboxConfigError
from infra.settings import Settings, SettingsError

HERE: Final = Path()
"""Where the command is run: the project's folder, as for pulumi itself."""
HARMLESS: Final = frozenset({"same", "read", "refresh"})
KEYS: Final = f"{settings.NAMESPACE}:manager_keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as the stack's state holds it, without its secrets."""

    urn: str
    type: str
    id: str
    parent: str
    outputs: Mapping[str, Any]
    modified: str
    """When the stack last changed it, as RFC 3339."""

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an update would do to a resource."""

    operation: str
    urn: str

    @property
    def type(self) -> str:
        return self.urn.rsplit("::", 2)[1].rsplit("$", 1)[-1]

    def __str__(self) -> str:
        return f"{self.operation} {self.type} {self.urn.rsplit('::', 1)[1]}"


class Stack:
    """One stack of this project; *name* None stands for the selected one."""

    def __init__(self, name: str | None = None, folder: Path = HERE) -> None:
        self._folder = folder
        self.name = name or self._selected()

    def outputs(self, *, secrets: bool = False) -> Mapping[str, Any]:
        """The outputs; without *secrets* those read "[secret]"."""
        shown = ["--show-secrets"] if secrets else []
        return self._json("stack", "output", "--json", *shown)

    def sandbox_config(self) -> SandboxConfig:
        try:
            return SandboxConfig.from_outputs(self.outputs(), where=f"stack {self.name}")
        except SandboxConfigError as error:
            raise HandoverError(str(error)) from None

    def settings(self) -> Settings:
        prefix = f"{settings.NAMESPACE}:"
        raw = {
            key.removeprefix(prefix): str(entry["value"])
            for key, entry in self._json("config", "--json").items()
            if key.startswith(prefix)
        }
        try:
            return settings.parse(raw)
        except SettingsError as error:
            raise HandoverError(str(error)) from None

    def resources(self) -> Sequence[Resource]:
        """Everything of the stack's state, its secrets still encrypted."""
        state: Mapping[str, list[dict[str, Any]]] = self._json("stack", "export")["deployment"]
        return [
            Resource(
                urn=one["urn"],
                type=one["type"],
                id=one.get("id", ""),
                parent=one.get("parent", ""),
                outputs=one.get("outputs", {}),
                modified=one.get("modified", ""),
            )
            for one in state.get("resources") or []
            if not one.get("delete")
        ]

    def changes(self, *arguments: str) -> Sequence[Change]:
        """What the next update would do, components and unchanged resources left out."""
        steps = self._json("preview", "--json", *arguments).get("steps", [])
        return [
            Change(operation=one["op"], urn=one["urn"])
            for one in steps
            if one["op"] not in HARMLESS
        ]

    def configure_keys(self, stages: Keys, *, removed: Sequence[Slot]) -> None:
        """Write the stages of the key slots into the stack's file, in one edit."""
        if removed:
            for slot in removed:
                self._run("config", "rm", "--path", f"{KEYS}.{slot}")
            return
        pairs = [
            part
            for slot, stage in stages.items()
            for part in ("--plaintext", f"{KEYS}.{slot}={stage}")
        ]
        self._run("config", "set-all", "--path", *pairs)

    def update(self) -> None:
        """Update the stack to what its file says; the engine's own text goes to standard error."""
        self._run("up", "--yes", "--skip-preview", show=True)

    def _selected(self) -> str:
        try:
            return pulumi("stack", "--show-name", folder=self._folder).strip()
        except CommandError as error:
            raise HandoverError(f"{error}; name the stack with --stack") from None

    def _json(self, *arguments: str) -> Mapping[str, Any]:
        return json.loads(self._run(*arguments))

    def _run(self, *arguments: str, show: bool = False) -> str:
        try:
            return pulumi(*arguments, stack=self.name, folder=self._folder, show=show)
        except CommandError as error:
            raise HandoverError(
                f"stack {self.name}: {error}; put it right, then run this command again"
            ) from None
