"""`sandbox image pins --latest`: newer versions of the pins that PyPI has, written on demand."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ami
from ami import pins
from ami.pins import Pin
from sandbox.core.errors import SandboxError

PYPI: Final = "https://pypi.org/pypi/{project}/json"
"""https://docs.pypi.org/api/json/"""
WHEEL: Final = re.compile(r"-manylinux_[^-]*_x86_64\.whl$")
"""The wheel of which a pin has the hash."""
UNTIL: Final = "_PACKAGES_UNTIL"
"""The pin of the day on which the dependencies of another pin are read from PyPI."""
Read = Callable[[str], bytes]
"""Returns what an address answers; raises OSError."""


@dataclass(frozen=True, slots=True)
class Update:
    """A newer version of a pin."""

    pin: Pin
    latest: str
    values: dict[str, str]
    """What to write, by the name of the pin or of the setting of its hash; empty: look only."""


def read(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - always https
        return answer.read()


def find(all_pins: Iterable[Pin], read: Read = read) -> list[Update]:
    """The pins of which PyPI has another latest version.

    Raises:
        SandboxError: PyPI does not answer, or has no wheel whose hash can be pinned.
    """
    known = list(all_pins)
    names = {pin.name for pin in known}
    updates: list[Update] = []
    for pin in known:
        if not pin.pypi:
            continue
        project = _project(pin.pypi, read)
        latest = str(project["info"]["version"])
        if latest in {pin.value, pin.skip}:
            continue
        values: dict[str, str] = {}
        if not pin.goes_with:
            values = {pin.name: latest} | {name: _hash(pin, project) for name in pin.hashes}
            until = pin.name.removesuffix("_VERSION") + UNTIL
            if until in names:
                values[until] = f"{datetime.now(UTC):%Y-%m-%d}"
        updates.append(Update(pin, latest, values))
    return updates


def write(updates: Iterable[Update], file: Path | None = None) -> None:
    """Write the new values into `ami/setup/pins.toml`, and change nothing else there."""
    file = file or Path(ami.__path__[0], "setup", pins.FILE)
    text = file.read_text(encoding="utf-8")
    for update in updates:
        for name, value in update.values.items():
            table, field = (update.pin.name, name.rsplit("_", 1)[1].lower())
            if name not in update.pin.fields:
                table, field = name, "value"
            pattern = rf'(\[{table}\]\n(?:[^\[\n].*\n)*?{field} = )"[^"]*"'
            text, changes = re.subn(pattern, rf'\g<1>"{value}"', text, count=1)
            if not changes:
                raise SandboxError(f"{file}: has no {field} of [{table}]; write it by hand")
    file.write_text(text, encoding="utf-8")


def _project(name: str, read: Read) -> dict[str, Any]:
    address = PYPI.format(project=name)
    try:
        return json.loads(read(address))
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"{address}: does not answer as PyPI does ({error}); try again later"
        ) from error


def _hash(pin: Pin, project: dict[str, Any]) -> str:
    digests = [url["digests"]["sha256"] for url in project["urls"] if WHEEL.search(url["filename"])]
    if len(digests) != 1:
        raise SandboxError(
            f"{pin.name}: PyPI has {len(digests)} x86_64 wheels of the latest {pin.pypi}; set the "
            "version and its hash by hand"
        )
    return digests[0]
