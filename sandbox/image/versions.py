"""`--set NAME=VERSION`: replaces a version, hash or address of `ami/setup/pins.toml`."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ami import pins
from sandbox.core.errors import UsageError

SETTING: Final = re.compile(r"^(\w+)=(\S+)$")


def parse(values: Iterable[str]) -> Mapping[str, str]:
    """The settings of `--set`, by name.

    Raises:
        UsageError: a value is not NAME=VERSION, no setting has that name, or a version comes
            without the hash of its download.
    """
    known = pins.settings()
    versions: dict[str, str] = {}
    for value in values:
        match = SETTING.match(value)
        if not match or match[1] not in known:
            raise UsageError(
                f"--set {value}: is not a valid version; use NAME=VERSION, with one of these "
                f"names: {', '.join(sorted(known))}"
            )
        versions[match[1]] = match[2]
    for pin in pins.load():
        missing = [name for name in pin.hashes if name not in versions]
        if pin.name in versions and missing:
            raise UsageError(
                f"--set {pin.name}={versions[pin.name]}: needs the hash of that version's "
                f"download; add --set {missing[0]}=HASH"
            )
    return versions
