"""Parses the stack's config into `Settings` and reports every problem at once.

This happens before any resource is registered.
"""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import Any, Final, Literal, get_origin

import pulumi
from pydantic import ValidationError

from infra.settings.combinations import COMBINATIONS
from infra.settings.model import NAMESPACE, Settings


class SettingsError(pulumi.RunError):
    """The stack's config is not valid; the engine prints this text without a traceback."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(["the stack's config cannot be used:", *problems]))
        self.problems = tuple(problems)


def from_stack() -> Settings:
    """The running stack's settings.

    Raises:
        SettingsError: one line for every problem of the config.
    """
    from pulumi.runtime.config import CONFIG  # noqa: PLC0415 - tests set it for each run

    config = CONFIG.get()
    unread = [
        f"{key}: {_unread(key)}" for key in sorted(config) if not key.startswith(READ_NAMESPACES)
    ]
    if unread:
        raise SettingsError(unread)
    prefix = f"{NAMESPACE}:"
    return parse(
        {key.removeprefix(prefix): text for key, text in config.items() if key.startswith(prefix)}
    )


def parse(raw: Mapping[str, str]) -> Settings:
    """Parse *raw*: the config's texts by key, without the namespace.

    Raises:
        SettingsError: one line for every problem of *raw*: "key = value: what is wrong; cure".
    """
    given: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, text in raw.items():
        if key not in Settings.model_fields:
            problems[key] = _unknown(key)
            continue
        try:
            given[key] = _decode(key, text)
        except ValueError as error:
            problems[key] = str(error)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        for details in error.errors():
            problems.setdefault(str(details["loc"][0]), _message(details))
        valid = {key: value for key, value in given.items() if key not in problems}
        settings = Settings.model_validate(valid)  # so that the combinations are checked too
    for keys, check in COMBINATIONS:
        if problems.keys().isdisjoint(keys) and (message := check(settings)):
            problems[keys[0]] = message
    if problems:
        raise SettingsError(
            [
                f"{NAMESPACE}:{key} = {raw[key] if key in raw else _default(key)}: {problem}"
                for key, problem in sorted(problems.items())
            ]
        )
    return settings


def _decode(key: str, text: str) -> Any:  # noqa: ANN401 - the model checks it
    """The value in *text*: Pulumi passes every value as text, structured values as JSON."""
    annotation = Settings.model_fields[key].annotation
    if annotation is str or get_origin(annotation) is Literal or annotation is IPv4Network:
        return text
    expected, description = EXPECTED[get_origin(annotation) or annotation]
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ValueError(f"is not {description}".format(ENTRIES.get(key, "")))
    return value


EXPECTED: Final[Mapping[Any, tuple[type, str]]] = {
    bool: (bool, "true or false; use one of the two"),
    int: (int, "a whole number; write it without quotes"),
    tuple: (list, "a list; write one entry per line, each after a dash"),
    dict: (dict, "a mapping; write one line per {}"),
}
ENTRIES: Final[Mapping[str, str]] = {
    "zones": "zone, as in us-east-1a: 0",
    "manager_keys": "slot, as in a: current",
    "tags": "tag, as in CostCenter: research",
}


READ_NAMESPACES: Final = (f"{NAMESPACE}:", "pulumi:")
"""The program reads the first namespace, the engine the second."""
CURES: Final[Mapping[str, str]] = {
    "aws:region": f"set {NAMESPACE}:region",
    "aws:profile": "set the environment variable AWS_PROFILE",
    "aws:allowedAccountIds": f"set {NAMESPACE}:account_id",
    "aws:defaultTags": f"set {NAMESPACE}:tags",
}
"""What to do instead of a setting of the AWS provider."""


def _unread(key: str) -> str:
    """Why *key*, of a namespace that nobody reads, is refused; its value may be a secret."""
    name = key.partition(":")[2]
    same_name = f"set {NAMESPACE}:{name}" if name in Settings.model_fields else ""
    cure = CURES.get(key) or same_name
    instead = f"{cure}, and " if cure else ""
    return f"has no effect: this program makes its own provider; {instead}remove it"


def _unknown(key: str) -> str:
    near = get_close_matches(key, Settings.model_fields, n=1, cutoff=0.0)
    return f"is not a setting of this program; the nearest is {NAMESPACE}:{near[0]}"


def _message(error: Mapping[str, Any]) -> str:
    place = "".join(f"[{part}]" for part in error["loc"][1:])
    value = f"{place} {error['input']} " if place else ""
    match error["type"]:
        case "value_error":
            return f"{place} {error['ctx']['error']}".strip()
        case "literal_error":
            return f"{value}is not valid; use {error['ctx']['expected']}"
        case "int_type" | "int_from_float":
            return f"{value}is not {EXPECTED[int][1]}"
        case "string_type":
            return f"{value}is not a text; write it in quotes"
        case _:
            return f"{value}is not valid: {error['msg']}"


def _default(key: str) -> str:
    value = Settings.model_fields[key].get_default(call_default_factory=True)
    return f"{value} (the default)"
