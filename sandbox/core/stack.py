"""The one adapter to a Pulumi stack: its config, outputs, state, previews and updates.

Secrets are asked for explicitly, and only travel through pipes.
"""

import json
import os
import re
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from infra import settings
from infra.access_keys import Keys, Slot
from infra.aws_clients import AwsClients
from infra.catalogue import VPC
from infra.settings import Settings, SettingsError
from sandbox.core import project, yaml_text
from sandbox.core.errors import SandboxError, UsageError
from sandbox.core.pulumi_cli import (
    Lock,
    LockedError,
    NoStackError,
    PulumiError,
    run_pulumi,
    subject,
)
from sandbox_client.config import OUTPUT, SandboxConfig, SandboxConfigError

UNCHANGED: Final = frozenset({"same", "read", "refresh"})
PROVIDER: Final = "pulumi:providers:aws"
PREFIX: Final = f"{settings.NAMESPACE}:"
MANAGER_KEYS: Final = f"{PREFIX}manager_keys"
IMAGE_ID: Final = f"{PREFIX}sandbox_ami_id"
SECRET_TEXT: Final = re.compile(r'"plaintext": "((?:[^"\\]|\\.)*)"')
"""A secret of an export with plain text; its value is JSON in a string."""
HALF_MADE: Final = "the last update did not end; run: sandbox recover"
NAME_EXISTS: Final = "already exists"
"""The engine's error for renaming a stack to its own name (pulumi/pulumi, pkg/backend)."""
CALL_LOG: Final = "PULUMI_DEBUG_GRPC"
"""Names a file into which the engine writes every call, secrets included."""


class Properties(dict[str, Any]):
    """Values of the engine by name. A missing name raises an error that says what to do."""

    def __init__(self, owner: str, values: Mapping[str, Any], cure: str) -> None:
        super().__init__(values)
        self._owner = owner
        self._cure = cure

    def __missing__(self, key: str) -> NoReturn:
        raise PulumiError(f"{self._owner}: {key}: is missing in the state; {self._cure}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as the stack's state holds it, its secrets still encrypted."""

    urn: str
    type: str
    id: str
    parent: str
    inputs: Mapping[str, Any]
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

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[1]

    def __str__(self) -> str:
        return f"{self.operation} {self.type} {self.name}"


class Stack:
    """One stack of this project."""

    def __init__(
        self, name: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.folder = folder or project.folder()
        source = os.environ if environment is None else environment
        self.environment = {key: value for key, value in source.items() if key != CALL_LOG}

    @classmethod
    def select(cls, name: str | None = None) -> "Stack":
        """The stack *name*; without a name that of PULUMI_STACK, else the selected one.

        Raises:
            UsageError: no stack is named or selected. A name that the backend does not have is
                refused by the first command on the stack.
        """
        folder = project.folder()
        return cls(name or os.environ.get("PULUMI_STACK") or _selected(folder), folder)

    @property
    def short_name(self) -> str:
        """The name without organization and project: `production` of `acme/sandbox/production`."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def config_file(self) -> Path:
        """Where the engine keeps the stack's settings."""
        return self.folder / f"Pulumi.{self.short_name}.yaml"

    def require_exists(self) -> None:
        """Refuse a name that the backend does not have.

        Raises:
            UsageError: the message lists the stacks that exist.
        """
        names = stack_names(self.folder, self.environment)
        if self.short_name not in {name.rsplit("/", 1)[-1] for name in names}:
            self._refuse(names)

    def _refuse(self, names: Sequence[str]) -> NoReturn:
        """Refuse this stack's name, and list the *names* that exist."""
        raise UsageError(
            f"stack {self.name}: the backend has no such stack; it has: "
            f"{', '.join(names) or 'none'}; name one of them with --stack"
        )

    def outputs(self, *, secrets: bool = False) -> Mapping[str, Any]:
        """The outputs; without *secrets* a secret reads "[secret]".

        Raises:
            PulumiError: a secret cannot be decrypted; the engine reports success and prints null.
        """
        show = ["--show-secrets"] if secrets else []
        outputs = self._json("stack", "output", "--json", *show)
        if secrets and (unreadable := [name for name in outputs if outputs[name] is None]):
            raise self._not_decrypted(", ".join(unreadable))
        return Properties(f"stack {self.name}", outputs, f"run pulumi up --stack {self.name} first")

    def sandbox_config(self) -> SandboxConfig:
        """The configuration that the service reads.

        Raises:
            SandboxError: the stack has none, or one that this reader does not know.
        """
        outputs = self.outputs()
        if OUTPUT not in outputs:
            raise SandboxError(
                f"stack {self.name}: is not up, it has no output {OUTPUT}; run "
                f"pulumi up --stack {self.name} first"
            )
        try:
            return SandboxConfig.from_outputs(outputs, where=f"stack {self.name}")
        except SandboxConfigError as error:
            cure = "" if "; " in str(error) else f"; run pulumi up --stack {self.name} first"
            raise SandboxError(f"{error}{cure}") from None

    def config(self) -> Mapping[str, str]:
        """The texts below `sandbox:`, by key without namespace, as the program receives them.

        Raises:
            SandboxError: a setting of the program is stored as a secret.
        """
        return {key: str(entry["value"]) for key, entry in self._config_entries().items()}

    def foreign_config(self) -> Sequence[str]:
        """The keys of other namespaces, such as `aws:region`."""
        return sorted(key for key in self._json("config", "--json") if not key.startswith(PREFIX))

    def config_values(self) -> dict[str, Any]:
        """The same with lists, mappings, numbers and booleans as JSON has them."""
        return {
            key: entry.get("objectValue", _scalar(entry["value"]))
            for key, entry in self._config_entries().items()
        }

    def _config_entries(self) -> Mapping[str, Mapping[str, Any]]:
        printed = self._json("config", "--json")
        with expected_shape("config"):
            entries = {
                key.removeprefix(PREFIX): {**entry}
                for key, entry in printed.items()
                if key.startswith(PREFIX)
            }
        if secret := [PREFIX + key for key, entry in entries.items() if "value" not in entry]:
            raise SandboxError(
                f"stack {self.name}: {', '.join(secret)}: is stored as a secret, but no setting is "
                f"one; store it in plain text: pulumi config set {secret[0]} VALUE --plaintext "
                f"--stack {self.name}"
            )
        return entries

    def settings(self) -> Settings:
        """The stack's settings.

        Raises:
            SandboxError: one line for each setting that is not valid.
        """
        try:
            return settings.parse(self.config())
        except SettingsError as error:
            raise SandboxError(f"stack {self.name}: {error}") from None

    def set_config(self, values: Mapping[str, Any]) -> None:
        """Set *values* by their full keys. A mapping or list replaces what the key held before."""
        if not values:
            return
        entries = {
            key: {"value": value, "secret": False}
            if isinstance(value, str)
            else {"value": json.dumps(value), "objectValue": value, "secret": False}
            for key, value in values.items()
        }
        self._run("config", "set-all", "--json", json.dumps(entries))

    def set_config_at(self, paths: Mapping[str, str]) -> None:
        """Set entries of structured values in one edit: `{"sandbox:zones.us-east-1a": "0"}`."""
        pairs = [
            part for path, value in paths.items() for part in ("--plaintext", f"{path}={value}")
        ]
        if pairs:
            self._run("config", "set-all", "--path", *pairs)

    def settings_in_file(self) -> frozenset[str]:
        """The settings that the stack's file holds; all others have their default.

        `pulumi config` prints both and does not tell them apart.

        Raises:
            SandboxError: the file is not YAML.
        """
        if not self.config_file.exists():
            return frozenset()
        try:
            content: Any = yaml_text.parse(self.config_file.read_bytes()) or {}
            entries: Mapping[str, Any] = content.get("config") or {}
            keys = list(entries.keys())
        except (AttributeError, UnicodeError, yaml.YAMLError):
            raise SandboxError(
                f"{self.config_file}: is not the settings of a stack in YAML; compare it with "
                "Pulumi.production.yaml"
            ) from None
        return frozenset(key.removeprefix(PREFIX) for key in keys if key.startswith(PREFIX))

    def remove_config(self, key: str) -> None:
        """Remove *key* from the stack's file."""
        self._run("config", "rm", key)

    def configure_keys(self, stages: Keys, *, removed: Sequence[Slot]) -> None:
        """Write the stages of the key slots into the stack's file, in one edit."""
        if removed:
            for slot in removed:
                self._run("config", "rm", "--path", f"{MANAGER_KEYS}.{slot}")
            return
        self.set_config_at({f"{MANAGER_KEYS}.{slot}": stage for slot, stage in stages.items()})

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The whole deployment; with *show_secrets* its secrets are in plain text, in memory.

        Raises:
            PulumiError: no secret can be decrypted; the engine reports success and writes null,
                which an import would make the new value.
        """
        show = ["--show-secrets"] if show_secrets else []
        deployment = dict(self._json("stack", "export", *show))
        with expected_shape("stack export"):
            resources_of(deployment)
            state: Mapping[str, Any] = deployment["deployment"] or {}
            pending: Sequence[Mapping[str, Any]] = state.get("pending_operations") or []
            for operation in pending:
                subject(operation["resource"]["urn"])
        secrets = SECRET_TEXT.findall(json.dumps(deployment)) if show_secrets else []
        if secrets and set(secrets) == {"null"}:
            raise self._not_decrypted("its secrets")
        return deployment

    def import_deployment(self, deployment: Mapping[str, Any]) -> None:
        """Replace the state by *deployment*; the engine encrypts its secrets."""
        self._run("stack", "import", stdin=json.dumps(deployment))

    def resources(self) -> Sequence[Resource]:
        """Every resource of the state that is not about to be deleted."""
        return resources_of(self.export())

    def aws(self) -> AwsClients:
        """Clients for the account and the region in which the stack's provider works.

        Raises:
            SandboxError: the state holds no provider, so nothing was created, or the credentials
                belong to another account than the stack.
        """
        resources = self.resources()
        aws = AwsClients(self._provider(resources).inputs["region"])
        self.require_account(aws, account_of(resources))
        return aws

    def aws_of(self, config: SandboxConfig) -> AwsClients:
        """The same from the stack's output *config*, without its state."""
        aws = AwsClients(config.region)
        self.require_account(aws, config.instance_profile_arn.split(":")[4])
        return aws

    def require_account(self, aws: AwsClients, account_id: str) -> None:
        """Refuse credentials of another account than *account_id*; "" allows any.

        Raises:
            SandboxError: it names both accounts.
        """
        if account_id and account_id != aws.identity["account_id"]:
            raise SandboxError(
                f"stack {self.name}: belongs to account {account_id}, but the credentials to "
                f"account {aws.identity['account_id']}; use credentials of account {account_id}"
            )

    def _provider(self, resources: Sequence[Resource]) -> Resource:
        """The AWS provider that the stack was last updated with.

        Raises:
            SandboxError: the state holds no provider, so nothing was created.
        """
        for resource in resources:
            if resource.type == PROVIDER:
                return resource
        raise SandboxError(
            f"stack {self.name}: its state holds no AWS provider, so nothing was created; run "
            f"pulumi up --stack {self.name} first"
        )

    def locks(self) -> Sequence[Lock] | None:
        """The holders of the stack's lock; empty if the backend names none, None without a lock.

        Lets the engine rename the stack to its own name. It takes the lock first, and then refuses
        the name, which exists: nothing is written, not even to the stack's history. (A preview
        takes no lock since Pulumi 3.274.)
        """
        try:
            self._run("stack", "rename", self.name)
        except LockedError as error:
            return error.locks
        except PulumiError as error:
            if NAME_EXISTS not in str(error):
                raise
        return None

    def last_update_ended(self) -> datetime | None:
        """When the last update that was not killed ended; None if there was none."""
        text = self._run("stack", "history", "--json", "--page-size", "1", "--page", "1")
        with expected_shape("stack history"):
            updates = json.loads(text)
            return datetime.fromisoformat(updates[0]["endTime"]) if updates else None

    def preview(self, *arguments: str) -> Mapping[str, Any]:
        """The output of `pulumi preview --json`."""
        return self._json("preview", "--json", *arguments)

    def changes(self, *arguments: str) -> Sequence[Change]:
        """The steps of the next update, without unchanged resources."""
        preview = self.preview(*arguments)
        with expected_shape("preview"):
            steps: Sequence[Mapping[str, str]] = preview.get("steps") or []
            return [
                Change(operation=step["op"], urn=step["urn"])
                for step in steps
                if step["op"] not in UNCHANGED
            ]

    def update(self) -> None:
        """Update the stack to its config; the engine's output is shown only if it fails."""
        self._run("up", "--yes", "--skip-preview", show_failure=True)

    def refresh(self) -> None:
        """Read every resource of the state again; the engine's output goes to standard error."""
        self._run("refresh", "--yes", "--skip-preview", show=True)

    def cancel(self) -> None:
        """Remove the stack's lock."""
        self._run("cancel", "--yes")

    def import_resources(self, import_file: Mapping[str, object]) -> None:
        """Run `pulumi import`, which reads each resource of *import_file* and changes none."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(import_file, file)
            file.flush()
            self._run(
                "import",
                *("--file", file.name, "--generate-code=false", "--protect=false"),
                *("--skip-preview", "--yes", "--json"),
            )

    def create(self) -> None:
        """Create the stack, empty, with a passphrase as its secrets provider."""
        run_pulumi(
            *("stack", "init", self.name, "--secrets-provider", "passphrase"),
            folder=self.folder,
            environment=self.environment,
        )

    def _json(self, *arguments: str) -> Mapping[str, Any]:
        text = self._run(*arguments)
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise PulumiError(
                f"stack {self.name}: pulumi {arguments[0]} printed no JSON object; check the "
                "passphrase or the KMS key, and run the same command of pulumi to see its text"
            )
        return value

    def _not_decrypted(self, secrets: str) -> PulumiError:
        return PulumiError(
            f"stack {self.name}: {secrets}: cannot be decrypted; check the passphrase "
            "(PULUMI_CONFIG_PASSPHRASE) or your right to use the stack's KMS key"
        )

    def _run(
        self, *arguments: str, stdin: str = "", show: bool = False, show_failure: bool = False
    ) -> str:
        try:
            return run_pulumi(
                *arguments,
                stack=self.name,
                stdin=stdin,
                folder=self.folder,
                environment=self.environment,
                show=show,
                show_failure=show_failure,
            )
        except NoStackError:
            self._refuse(stack_names(self.folder, self.environment))
        except PulumiError as error:
            error.args = (f"stack {self.name}: {error}",)
            raise


def resources_of(export: Mapping[str, Any]) -> Sequence[Resource]:
    """The resources of a deployment as `pulumi stack export` prints it."""
    with expected_shape("stack export"):
        deployment: Mapping[str, Any] = export["deployment"] or {}  # null before the first update
        entries: Sequence[dict[str, Any]] = deployment.get("resources") or []
        return [
            Resource(
                urn=entry["urn"],
                type=entry["type"],
                id=entry.get("id", ""),
                parent=entry.get("parent", ""),
                inputs=Properties(subject(entry["urn"]), entry.get("inputs", {}), HALF_MADE),
                outputs=Properties(subject(entry["urn"]), entry.get("outputs", {}), HALF_MADE),
                modified=entry.get("modified", ""),
            )
            for entry in entries
            if not entry.get("delete")
        ]


def account_of(resources: Sequence[Resource]) -> str:
    """The account that the provider is pinned to, or in which the VPC stands; "" if unknown."""
    for resource in resources:
        if resource.type == PROVIDER and "allowedAccountIds" in resource.inputs:
            return json.loads(resource.inputs["allowedAccountIds"])[0]
        if resource.type == VPC.name and "arn" in resource.outputs:
            return resource.outputs["arn"].split(":")[4]
    return ""


@contextmanager
def expected_shape(command: str) -> Generator[None]:
    """Read an answer of `pulumi` *command*; another shape than expected is an error with a cure."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise PulumiError(
            f"pulumi {command}: printed JSON of another shape than expected ({error}); use pulumi "
            "3.220 or newer, and check that the state is not damaged: pulumi stack export"
        ) from None


def _scalar(text: str) -> Any:  # noqa: ANN401 - a setting may be anything
    """The engine prints numbers and booleans as text."""
    return json.loads(text) if text in {"true", "false"} or text.isdecimal() else text


def stack_names(folder: Path, environment: Mapping[str, str] | None = None) -> Sequence[str]:
    """The stacks of the project, as the backend lists them."""
    listed = run_pulumi("stack", "ls", "--json", folder=folder, environment=environment)
    with expected_shape("stack ls"):
        return sorted(entry["name"] for entry in json.loads(listed))


def _selected(folder: Path) -> str:
    try:
        return run_pulumi("stack", "--show-name", folder=folder).strip()
    except PulumiError as error:
        if "no stack selected" not in str(error):
            raise
    names = stack_names(folder)
    raise UsageError(
        "no stack is selected; name one with --stack; the backend has: "
        f"{', '.join(names) or 'none'}"
    )
