"""Read and write the settings of a stack. The program's checks decide before a write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Final, cast, get_args, get_origin

from infra import settings
from infra.settings import Settings, SettingsError
from sandbox.core.errors import RefusedError, UsageError
from sandbox.core.stack import PREFIX, Stack

COLUMNS: Final = ("setting", "value", "default", "source")
STACK, DEFAULT = "stack", "default"
SEVERAL: Final = (tuple, dict)
"""The types of a setting with several entries: a list and a mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting as it is shown. The field names are those of `--json`."""

    setting: str
    value: Any
    default: Any
    source: str
    """Where the value comes from: the stack's file, or the program's default."""

    def row(self) -> Sequence[str]:
        return self.setting, _text(self.value), _text(self.default), self.source

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def show(stack: Stack, key: str | None) -> Sequence[Setting]:
    """Every setting of *stack*, or only *key*.

    Raises:
        UsageError: there is no setting of this name.
        SandboxError: the stack's settings are not valid.
    """
    wanted = [_known(key)] if key else list(Settings.model_fields)
    values = stack.settings().model_dump(mode="json")
    defaults = Settings().model_dump(mode="json")
    in_file = stack.settings_in_file()
    return [
        Setting(
            setting=name,
            value=values[name],
            default=defaults[name],
            source=STACK if name in in_file else DEFAULT,
        )
        for name in wanted
    ]


def set_values(stack: Stack, key: str, texts: Sequence[str]) -> str:
    """Set *key* to *texts*, and return what was set as `KEY = VALUE`.

    Raises:
        UsageError: there is no setting of this name, or it takes no such texts.
        RefusedError: with this value the settings are not valid together.
    """
    name = _known(key)
    value = _value(name, texts)
    raw = dict(stack.config())
    raw[name] = value if isinstance(value, str) else json.dumps(value)
    _require_valid(raw)
    stack.set_config({PREFIX + name: value})
    return f"{PREFIX}{name} = {_text(value)}"


def unset(stack: Stack, key: str) -> str:
    """Remove *key* from the stack's file, and return the default that holds now.

    Raises:
        UsageError: there is no setting of this name, or the stack does not set it.
        RefusedError: with the default the settings are not valid together.
    """
    name = _known(key)
    if name not in stack.settings_in_file():
        raise UsageError(
            f"{PREFIX}{name}: {stack.config_file} does not set it; see sandbox settings show"
        )
    _require_valid({other: text for other, text in stack.config().items() if other != name})
    stack.remove_config(PREFIX + name)
    default = Settings().model_dump(mode="json")[name]
    return f"{PREFIX}{name} = {_text(default)}, the default"


def _known(key: str) -> str:
    name = key.removeprefix(PREFIX)
    if name not in Settings.model_fields:
        near = get_close_matches(name, Settings.model_fields, n=1, cutoff=0.0)
        raise UsageError(
            f"{key}: is not a setting of this program; the nearest is {near[0]}, and "
            "sandbox settings show lists all"
        )
    return name


def _value(name: str, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a setting may be anything
    """The value that *texts* write: words as people type them in a shell, or JSON."""
    annotation = Settings.model_fields[name].annotation
    kind = get_origin(annotation) or annotation
    if len(texts) == 1 and kind in SEVERAL:
        parsed = _json(texts[0])
        if isinstance(parsed, (list, dict)):
            return cast("Any", parsed)
    if kind is tuple:
        return [part for text in texts for part in text.split(",") if part]
    if kind is dict:
        return dict(_entry(name, part) for text in texts for part in text.split(",") if part)
    if len(texts) > 1:
        raise UsageError(
            f"{PREFIX}{name}: takes one value, but {len(texts)} are given; write a value with "
            "spaces in quotes"
        )
    (text,) = texts
    return _json(text) if kind in {bool, int} else text


def _entry(name: str, text: str) -> tuple[str, Any]:
    """An entry of a mapping, as `us-east-1a=0` or `us-east-1a: 0`."""
    separator = "=" if "=" in text else ":"
    key, delimiter, value = (part.strip() for part in text.partition(separator))
    if not (key and delimiter and value):
        raise UsageError(f"{PREFIX}{name}: {text}: is not an entry; write NAME=VALUE")
    texts = get_args(Settings.model_fields[name].annotation)[1] is str
    return key, int(value) if value.isdecimal() and not texts else value


def _json(text: str) -> Any:  # noqa: ANN401 - a setting may be anything
    """*text* parsed as JSON. Other text stays as it is, so that the program's check can name it."""
    try:
        return json.loads(text.lower() if text.lower() in {"true", "false"} else text)
    except ValueError:
        return text


def _require_valid(raw: Mapping[str, str]) -> None:
    try:
        settings.parse(raw)
    except SettingsError as error:
        raise RefusedError(f"nothing was written: {'; '.join(error.problems)}") from None


def _text(value: Any) -> str:  # noqa: ANN401 - a setting may be anything
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(str, value)) or "(empty)"
        case dict():
            return ", ".join(f"{key}={entry}" for key, entry in value.items()) or "(empty)"
        case _:
            return str(value) or "(empty)"
