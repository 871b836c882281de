"""The configuration that the service reads: typed, versioned, without any secret.

It is the stack's output `sandbox_config`, which `infra/stack_outputs.py` fills. Its JSON schema is
`docs/sandbox_config.schema.json`.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

OUTPUT: Final = "sandbox_config"
VARIABLE: Final = "SANDBOX_CONFIG"
"""The environment variable with the whole configuration as JSON. Without it, there is one variable
for each field: SANDBOX_VPC_ID and so on."""

Name = Annotated[str, Field(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]
READER: Final = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class SandboxConfigError(ValueError):
    """The configuration or a launch request is not valid. The text names the field and the cure."""


class Subnet(BaseModel):
    """A public subnet of the sandbox VPC."""

    model_config = READER

    zone: Name
    subnet_id: Name


class MetadataOptions(BaseModel):
    """How instances use their metadata service. The manager's policy requires IMDSv2 tokens."""

    model_config = READER

    http_tokens: Literal["required"] = "required"
    http_put_response_hop_limit: Annotated[int, Field(ge=1, le=64)] = 1
    """1 keeps containers away from the instance's role; 2 lets them use it."""


class SandboxConfig(BaseModel):
    """Everything that the service needs to launch a sandbox. It holds no secret.

    Version 1 never loses a field. A new field has a default, and a reader ignores fields that it
    does not know.
    """

    model_config = READER

    schema_version: Literal[1]
    environment: Name
    region: Name
    vpc_id: Name
    subnet_id: Name
    """The first of *subnet_ids*, for a service that uses only one subnet."""
    subnet_ids: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The ids of *subnets*, in the same order."""
    subnets: Annotated[tuple[Subnet, ...], Field(min_length=1)]
    """In fallback order: if the first zone has no capacity, try the next one."""
    associate_public_ip: bool
    security_group_id: Name
    instance_profile: Name
    instance_profile_arn: Name
    default_instance_type: Name
    allowed_instance_types: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Types or families (`g5.*`) that the manager may launch."""
    max_volume_gib: Annotated[int, Field(ge=1, le=16_384)] = 16_384
    """The biggest volume in GiB that the manager may launch; EC2's own limit for a gp3 volume where
    an older stack does not say."""
    ami_id: str
    """Empty until the first image is built."""
    root_device_name: Name
    """The image's root device. A launch names it to encrypt the volume."""
    key_name: str
    """The EC2 key pair of the instances. Empty if their user data brings the SSH keys."""
    metadata_options: MetadataOptions
    log_group: str = ""
    """The CloudWatch log group of the sandboxes; empty where an older stack does not say."""
    log_stream: Name = "{ip_address}/{instance_id}"
    """The name that a sandbox gives its log stream, as the CloudWatch agent's `log_stream_name`.
    With the setting `logs_per_instance` IAM refuses lines in streams of another address."""
    required_tags: Annotated[dict[str, str], Field(min_length=1)]
    """The tags that each launch puts on the instance, its volumes and its network interface."""
    user_tag: Name
    """The tag that names the instance's user. The manager's policy refuses a launch without it."""

    @model_validator(mode="after")
    def _subnets_agree(self) -> Self:
        ids = tuple(subnet.subnet_id for subnet in self.subnets)
        if self.subnet_ids != ids or self.subnet_id != ids[0]:
            raise ValueError(
                f"subnet_id {self.subnet_id} and subnet_ids {', '.join(self.subnet_ids)} do not "
                f"match subnets: {', '.join(ids)}; take all three from the same update of the stack"
            )
        return self

    @classmethod
    def from_outputs(cls, outputs: str | Mapping[str, Any], *, where: str = "outputs") -> Self:
        """Read the stack's outputs, as `pulumi stack output --json` prints them.

        Raises:
            SandboxConfigError: one line that names every field that is missing or not valid.
        """
        values = _json_object(outputs, where) if isinstance(outputs, str) else outputs
        if OUTPUT not in values:
            raise SandboxConfigError(
                f"{where}: {OUTPUT}: is missing among the outputs {', '.join(values) or '(none)'}; "
                "use a stack of this program that is up"
            )
        return _validated(cls, values[OUTPUT], lambda path: f"{where}: {_dotted((OUTPUT, *path))}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read SANDBOX_CONFIG as JSON, or one variable for each field (lists and objects as JSON).

        Raises:
            SandboxConfigError: one line that names every variable that is missing or not valid.
        """
        if whole := environment.get(VARIABLE):
            return cls.from_json(whole, where=VARIABLE)
        given: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if (text := environment.get(_variable(name))) is not None:
                given[name] = text if field.annotation is str else _parsed(text)
        return _validated(cls, given, _in_environment)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a file that holds the configuration as JSON, or all outputs of the stack.

        Raises:
            SandboxConfigError: one line that names the file and every such field.
        """
        try:
            content = Path(path).read_bytes()
            text = content.decode(json.detect_encoding(content))  # PowerShell writes UTF-16
        except OSError as error:
            raise SandboxConfigError(
                f"{path}: cannot be read: {error.strerror}; mount the file, or name another one"
            ) from None
        except UnicodeDecodeError:
            raise SandboxConfigError(f"{path}: is not text; write it in UTF-8") from None
        return cls.from_json(text, where=str(path))

    @classmethod
    def from_json(cls, text: str, *, where: str = "JSON") -> Self:
        """Read JSON text: the configuration, or all outputs of the stack.

        Raises:
            SandboxConfigError: one line that names every field that is missing or not valid.
        """
        values = _json_object(text, where)
        if OUTPUT in values:
            return cls.from_outputs(values, where=where)
        return _validated(cls, values, lambda path: f"{where}: {_dotted(path)}")


def _json_object(text: str, where: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise SandboxConfigError(
            f"{where}: is not valid JSON ({error}); use the output of `sandbox config show`"
        ) from None
    if not isinstance(value, dict):
        raise SandboxConfigError(
            f"{where}: is not a JSON object; use the output of `sandbox config show`"
        )
    return value


def _validated(model: type[Model], values: Any, named: Callable[[Location], str]) -> Model:  # noqa: ANN401 - the model checks it
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [f"{named(item['loc'])}: {_problem(item)}" for item in error.errors()]
    raise SandboxConfigError("; ".join(problems))


def _problem(error: Mapping[str, Any]) -> str:
    match error["type"], error["loc"]:
        case "missing", _:
            return "is missing; use the configuration of a stack that is up to date"
        case "literal_error", ("schema_version",):
            return f"is {error['input']}, but this reader knows 1; install a newer sandbox_client"
        case "value_error", _:
            return str(error["ctx"]["error"])
        case _:
            return f"{error['input']!r}: {error['msg']}"


def _dotted(path: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _in_environment(path: Location) -> str:
    return _dotted((_variable(str(path[0])), *path[1:])) if path else "environment"


def _variable(name: str) -> str:
    return f"SANDBOX_{name.upper()}"


def _parsed(text: str) -> Any:  # noqa: ANN401 - the model checks it
    """Parse JSON; other text stays as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
