"""The same resources with Terraform, whose configuration is written from the stack's state."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from local import clean_env, stack
from local.bench.programs import BenchError, ProgramCopy
from local.emulator import Emulator
from local.engine import terraform_provider
from local.engine.paths import SOURCE

_MAPPED: Final = re.compile(r'^\t"(aws_\w+)": +"(aws:[^"]+)",$', re.MULTILINE)
_CAPITALS: Final = re.compile(r"(?<!^)([A-Z]+)")
_NOT_SET: Final = frozenset({"__defaults", "region", "tagsAll"})
"""Inputs that the provider fills in."""
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "up": ("apply", "-auto-approve"),
    "preview with refresh": ("plan",),
    "destroy": ("destroy", "-auto-approve"),
}
"""The Terraform commands that do the same as a command of Pulumi, by its title."""


def possible() -> bool:
    """Whether `terraform` is on PATH."""
    return shutil.which("terraform") is not None


@dataclass(frozen=True, slots=True)
class Terraform:
    """A folder with a configuration, and the account that it describes."""

    folder: Path
    aws: Emulator

    def configure(self, program: ProgramCopy) -> None:
        """Write the configuration for the resources of *program*, which is up."""
        resources = program.resources()
        self.folder.mkdir()
        plugins = json.dumps(str(terraform_provider.ensure()))
        self._settings.write_text(
            f"provider_installation {{\n  filesystem_mirror {{\n    path = {plugins}\n  }}\n}}\n",
            encoding="utf-8",
        )
        file = self.folder / "main.tf.json"
        file.write_text(json.dumps(configuration(resources)), encoding="utf-8")
        self._run("init")

    def timed(self, title: str) -> float:
        """Run the equivalent of Pulumi's command *title*, and return its seconds."""
        started = time.perf_counter()
        self._run(*COMMANDS[title])
        return time.perf_counter() - started

    @property
    def _settings(self) -> Path:
        """Terraform's own configuration, which names the folder of its plugins."""
        return self.folder / "settings.tfrc"

    def _run(self, *arguments: str) -> None:
        """Run `terraform`.

        Raises:
            BenchError: it failed; the text ends with the command's last lines.
        """
        completed = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.folder,
            env={
                **clean_env.clean(),
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_ENDPOINT_URL": self.aws.endpoint,
                "AWS_REGION": stack.REGION,
                "AWS_SECRET_ACCESS_KEY": "local",
                "CHECKPOINT_DISABLE": "1",
                "GOGC": stack.FEWER_COLLECTIONS,  # as the engine has it
                "TF_CLI_CONFIG_FILE": str(self._settings),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            tail = " | ".join((completed.stdout + completed.stderr).strip().splitlines()[-12:])
            raise BenchError(f"terraform {' '.join(arguments)}: {tail}")


def configuration(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Terraform's configuration, in JSON, of the resources in a state."""
    (provider,) = [entry for entry in resources if entry["type"] == "pulumi:providers:aws"]
    tags = json.loads(provider["inputs"]["defaultTags"])["tags"]
    mapped = {token: kind for kind, token in _MAPPED.findall(_mappings())}
    mapped_entries = [entry for entry in resources if entry["type"] in mapped]
    addresses = {entry["urn"]: (mapped[entry["type"]], _name(entry)) for entry in mapped_entries}
    references = {
        entry["outputs"][key]: (entry["urn"], ".".join((*addresses[entry["urn"]], key)))
        for entry in mapped_entries
        for key in ("id", "arn")
        if entry["outputs"].get(key)
    }
    blocks = dict[str, dict[str, Any]]()
    for entry in mapped_entries:
        kind, name = addresses[entry["urn"]]
        others = {value: to for value, (urn, to) in references.items() if urn != entry["urn"]}
        blocks.setdefault(kind, {})[name] = _block(entry["inputs"], others)
    return {
        "provider": {"aws": {"default_tags": [{"tags": tags}]}},
        "resource": blocks,
    }


def _mappings() -> str:
    return (SOURCE / "provider" / "mappings.go").read_text(encoding="utf-8")


def _name(entry: Mapping[str, Any]) -> str:
    return re.sub(r"\W", "_", entry["urn"].rpartition("::")[2])


def _block(inputs: Mapping[str, Any], references: Mapping[str, str]) -> dict[str, Any]:
    return {
        _snake(key): value if key == "tags" else _value(value, references)
        for key, value in inputs.items()
        if key not in _NOT_SET
    }


def _value(value: Any, references: Mapping[str, str]) -> Any:  # noqa: ANN401 - of any property
    if isinstance(value, str):
        return f"${{{references[value]}}}" if value in references else value.replace("${", "$${")
    if isinstance(value, list):
        return [_value(item, references) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return _block(cast("dict[str, Any]", value), references)
    return value


def _snake(name: str) -> str:
    return _CAPITALS.sub(lambda capitals: f"_{capitals[1].lower()}", name)
