"""What the service reads: one typed, versioned configuration.

A service imports this module without Pulumi: it needs pydantic and nothing else. The stack's
program fills it (``infra.stack_outputs``); its JSON schema is ``docs/sandbox_config.schema.json``.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

OUTPUT: Final = "sandbox_config"
VARIABLE: Final = "SANDBOX_CONFIG"
"""Holds the whole configuration as JSON; or one variable per field, SANDBOX_VPC_ID and so on."""

Name = Annotated[str, Field(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]
READER: Final = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class SandboxConfigError(ValueError):
    """The configuration, or a launch asked of it, cannot be used; the text names the field."""


class Subnet(BaseModel):
    """A public subnet of the sandbox VPC."""

    model_config = READER

    zone: Name
    subnet_id: Name


class MetadataOptions(BaseModel):
    """How instances reach their metadata service; the manager's policy demands the tokens."""

    model_config = READER

    http_tokens: Literal["required"] = "required"
    http_put_response_hop_limit: Annotated[int, Field(ge=1, le=64)] = 1
    """1 keeps containers from the instance's role; 2 lets them use it."""


class SandboxConfig(BaseModel):
    """What the service needs to launch a sandbox. It holds no secret.

    Fields are only ever added to version 1, with a default; a reader ignores what it does not know.
    """

    model_config = READER

    schema_version: Literal[1]
    environment: Name
    region: Name
    vpc_id: Name
    subnet_id: Name
    """The first of *subnet_ids*, for a service that knows only one."""
    subnet_ids: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The ids of *subnets*, in their order."""
    subnets: Annotated[tuple[Subnet, ...], Field(min_length=1)]
    """In fallback order: where the first has no capacity, the next may."""
    associate_public_ip: bool
    security_group_id: Name
    instance_profile: Name
    instance_profile_arn: Name
    default_instance_type: Name
    allowed_instance_types: Annotated[tuple[Name, ...], Field(min_length=1)]
    """What the manager may launch: types, or families as in g5.*."""
    ami_id: str
    """Empty until the first image is built."""
    root_device_name: Name
    """Of the image; a launch names it to have its volume encrypted."""
    key_name: str
    """EC2 key pair of the instances; empty if they are reached by keys in their user data."""
    metadata_options: MetadataOptions
    required_tags: Annotated[dict[str, str], Field(min_length=1)]
    """What each launch puts on the instance, its volumes and its interface."""
    user_tag: Name
    """The tag that says whose instance it is; a launch without it is refused."""

    @model_validator(mode="after")
    def _subnets_agree(self) -> Self:
        ids = tuple(one.subnet_id for one in self.subnets)
        if self.subnet_ids != ids or self.subnet_id != ids[0]:
            raise ValueError(
                f"subnet_id {self.subnet_id} and subnet_ids {', '.join(self.subnet_ids)} are not "
                f"those of subnets: {', '.join(ids)}; take all three from one update of the stack"
            )
        return self

    @classmethod
    def from_outputs(cls, outputs: str | Mapping[str, Any], *, where: str = "outputs") -> Self:
        """From the stack's outputs, as ``pulumi stack output --json`` prints them.

        Raises:
            SandboxConfigError: one line that names every missing or wrong field.
        """
        values = _object(outputs, where) if isinstance(outputs, str) else outputs
        if OUTPUT not in values:
            raise SandboxConfigError(
                f"{where}: {OUTPUT} is missing, found {', '.join(values) or 'nothing'}; "
                "name a stack of this program that is up"
            )
        return _validated(cls, values[OUTPUT], lambda path: f"{where}: {_dotted((OUTPUT, *path))}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """From SANDBOX_CONFIG as JSON, or from one variable per field (lists and objects as JSON).

        Raises:
            SandboxConfigError: one line that names every missing or wrong variable.
        """
        if whole := environment.get(VARIABLE):
            return cls.from_json(whole, where=VARIABLE)
        given: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if (text := environment.get(_variable(name))) is not None:
                given[name] = text if field.annotation is str else _structure(text)
        return _validated(cls, given, _in_environment)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """From a mounted file: the configuration itself as JSON, or all of the stack's outputs.

        Raises:
            SandboxConfigError: one line that names the file, and every missing or wrong field.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise SandboxConfigError(
                f"{path}: cannot be read: {error.strerror}; mount it, or name another file"
            ) from None
        return cls.from_json(text, where=str(path))

    @classmethod
    def from_json(cls, text: str, *, where: str = "JSON") -> Self:
        """From JSON: the configuration itself, or all of the stack's outputs.

        Raises:
            SandboxConfigError: one line that names every missing or wrong field.
        """
        values = _object(text, where)
        if OUTPUT in values:
            return cls.from_outputs(values, where=where)
        return _validated(cls, values, lambda path: f"{where}: {_dotted(path)}")


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SandboxConfigError(
            f"{where}: is no JSON ({error}); write what `pulumi stack output --json` prints"
        ) from None
    if not isinstance(value, dict):
        raise SandboxConfigError(
            f"{where}: is no JSON object; write what `pulumi stack output --json` prints"
        )
    return value  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are text


def _validated(model: type[Model], values: Any, named: Callable[[Location], str]) -> Model:  # noqa: ANN401 - judged here
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [f"{named(one['loc'])}: {_problem(one)}" for one in error.errors()]
    raise SandboxConfigError("; ".join(problems))


def _problem(error: Mapping[str, Any]) -> str:
    match error["type"], error["loc"]:
        case "missing", _:
            return "is missing; take the configuration of a stack that is up to date"
        case "literal_error", ("schema_version",):
            return f"is {error['input']}, this reader knows 1; update the service's copy of it"
        case "value_error", _:
            return str(error["ctx"]["error"])
        case _:
            return f"{error['input']!r}: {error['msg']}"


def _dotted(path: Location) -> str:
    text = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return text.removeprefix(".")


def _in_environment(path: Location) -> str:
    return _dotted((_variable(str(path[0])), *path[1:])) if path else "environment"


def _variable(name: str) -> str:
    return f"SANDBOX_{name.upper()}"


def _structure(text: str) -> Any:  # noqa: ANN401 - the model judges it
    """Lists, objects, numbers and booleans are written as JSON, text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
