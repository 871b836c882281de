"""The versions in an image, from the file that the set-up scripts also read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Final

FILE: Final = "pins.toml"
HASHES: Final = ("sha256", "sha384")
FIELDS: Final = (*HASHES, "key", "url", "repository")
"""The fields besides `value` that the scripts read; each is a separate setting."""
KINDS: Final = ("_VERSION", "_COMMIT", "_BRANCH")
"""The endings of a pin's name that the names of its other settings omit."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One version in `ami/setup/pins.toml`."""

    name: str
    """The name of its setting, such as UV_VERSION."""
    value: str
    source: str
    """The source of the value, and the reason for it."""
    newer: str
    """How to look for a newer version."""
    fields: dict[str, str]
    """Hash, key and address, by the name of the setting, such as UV_SHA256."""
    pypi: str = ""
    """Its project on PyPI; empty if it is not from PyPI."""
    skip: str = ""
    """A version of that project to skip."""
    goes_with: str = ""
    """The pin that determines this one."""

    @property
    def hashes(self) -> list[str]:
        """The names of the settings that must be set together with this one."""
        return [name for name in self.fields if name.lower().endswith(HASHES)]


def load() -> list[Pin]:
    """All pins, in the order of the file."""
    text = resources.files("ami").joinpath("setup", FILE).read_text(encoding="utf-8")
    pins: list[Pin] = []
    for name, table in tomllib.loads(text).items():
        base = name
        for kind in KINDS:
            base = base.removesuffix(kind)
        fields = {f"{base}_{field.upper()}": table[field] for field in FIELDS if field in table}
        look_up = {field: table.get(field, "") for field in ("pypi", "skip", "goes_with")}
        pins.append(Pin(name, table["value"], table["from"], table["newer"], fields, **look_up))
    return pins


def settings() -> dict[str, str]:
    """Every setting of the scripts by its name, with its default."""
    return {
        name: value for pin in load() for name, value in {pin.name: pin.value, **pin.fields}.items()
    }
