"""The Pulumi stack: what the build reads of it and the one value it writes.

The only file here that speaks with Pulumi.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from pulumi import automation

from ami.errors import ConfigError, PlanError

IMAGE_KEY = "sandbox:sandbox_ami_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a stack says of the place where its sandboxes run."""

    stack: str
    environment: str
    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    instance_type: str
    configured_image: str


class Stack(Protocol):
    def facts(self) -> Facts: ...
    def configure(self, image_id: str) -> None: ...
    def configured_images(self) -> frozenset[str]:
        """Images that any stack of the project names: none of them may go."""
        ...


class PulumiStack:
    def __init__(self, name: str | None, folder: Path) -> None:
        self._workspace = automation.LocalWorkspace(work_dir=str(folder))
        self._name = name or self._selected()

    def _selected(self) -> str:
        try:
            current = self._workspace.stack()
        except automation.CommandError as error:
            raise PlanError([_unreadable("the selected stack", error)]) from error
        if current is None:
            raise PlanError(["no stack is selected: name one with --stack"])
        return current.name

    def facts(self) -> Facts:
        try:
            outputs = self._workspace.stack_outputs(self._name)
            config = self._workspace.get_all_config(self._name)
        except automation.CommandError as error:
            raise PlanError([_unreadable(f"stack {self._name}", error)]) from error
        values = {key: value.value for key, value in config.items() if not value.secret}
        return read(
            self._name, {key: output.value for key, output in outputs.items()}, config=values
        )

    def configure(self, image_id: str) -> None:
        try:
            self._workspace.set_config(
                self._name, IMAGE_KEY, automation.ConfigValue(value=image_id)
            )
        except automation.CommandError as error:
            raise ConfigError(
                f"{image_id} is finished, but stack {self._name} could not be given it"
                f" ({_last_line(error)}): run"
                f" pulumi config set {IMAGE_KEY} {image_id} --stack {self._name}"
            ) from error

    def configured_images(self) -> frozenset[str]:
        images: set[str] = set()
        try:
            for summary in self._workspace.list_stacks():
                config = self._workspace.get_all_config(summary.name)
                if IMAGE_KEY in config:
                    images.add(config[IMAGE_KEY].value)
        except automation.CommandError as error:
            raise PlanError([_unreadable("the project's stacks", error)]) from error
        return frozenset(images - {""})


def read(stack: str, outputs: Mapping[str, Any], *, config: Mapping[str, str]) -> Facts:
    """The facts in a stack's outputs, or one error that names all that is missing."""
    problems: list[str] = []
    sandbox = cast("Mapping[str, Any]", outputs.get("sandbox_config") or {})
    if not sandbox:
        problems.append(
            f"stack {stack} has no output sandbox_config: run pulumi up --stack {stack} first"
        )

    def text(key: str) -> str:
        value = sandbox.get(key)
        if sandbox and not (isinstance(value, str) and value):
            problems.append(f"sandbox_config.{key} of stack {stack} is {value!r}: a text is wanted")
        return str(value or "")

    region, vpc, kind = text("region"), text("vpc_id"), text("default_instance_type")
    named: object = sandbox.get("subnet_ids") or outputs.get("public_subnet_ids") or []
    by_zone = isinstance(named, Mapping)
    subnets = [*cast("Mapping[str, str]", named).values()] if by_zone else cast("list[str]", named)
    if sandbox and not subnets:
        problems.append(f"stack {stack} names no subnets: a build needs one")
    if problems:
        raise PlanError(problems)
    return Facts(
        stack=stack,
        environment=config.get("sandbox:environment", "production"),
        region=region,
        vpc_id=vpc,
        subnet_ids=tuple(subnets),
        instance_type=kind,
        configured_image=config.get(IMAGE_KEY, ""),
    )


def _unreadable(what: str, error: Exception) -> str:
    return f"{what} cannot be read with pulumi: {_last_line(error)}"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if "error:" in line]
    return lines[-1] if lines else str(error).strip().replace("\n", " ")
