"""The versions that an image is made of, from the file that the scripts read too."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Final

PEOPLE: Final = frozenset({"from", "newer"})
"""Fields that no script reads."""


def load() -> dict[str, dict[str, str]]:
    """Each pin by its name, with all that the file says of it."""
    return tomllib.loads(resources.files("ami").joinpath("setup", "pins.toml").read_text())


def settings() -> dict[str, str]:
    """What the scripts make of the pins: each setting's name and value."""
    found: dict[str, str] = {}
    for name, pin in load().items():
        base = name
        for kind in ("_VERSION", "_COMMIT", "_BRANCH"):
            base = base.removesuffix(kind)
        for field, text in pin.items():
            if field not in PEOPLE:
                found[name if field == "value" else f"{base}_{field.upper()}"] = text
    return found


def hashes(name: str) -> list[str]:
    """The settings that must be given together with the setting *name*."""
    base = name.removesuffix("_VERSION")
    return [
        f"{base}_{kind.upper()}" for kind in ("sha256", "sha384") if kind in load().get(name, {})
    ]
