"""`--set NAME=VERSION`: which versions of the set-up scripts a user may choose."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ami import provisioner
from sandbox.core.errors import UsageError

SETTING: Final = re.compile(r"^(\w+)=(\S+)$")
DEFAULT: Final = re.compile(r"^([A-Z][A-Z0-9_]*)=\$\{\1:?-", re.MULTILINE)
"""A line of a script that takes a variable from outside: `UV_VERSION=${UV_VERSION:-0.13.9}`."""
SCRIPTS: Final = ("setup.sh", "verify.sh")
BUILDER_VARIABLES: Final = frozenset({"BASE", "LOGIN"})
"""The builder sets these itself, from other options."""


def settable() -> frozenset[str]:
    """The names of the versions that the scripts take from outside."""
    text = "".join(provisioner.script(name).decode() for name in SCRIPTS)
    return frozenset(DEFAULT.findall(text)) - BUILDER_VARIABLES


def parse(values: Iterable[str]) -> Mapping[str, str]:
    """The versions of `--set`, by name.

    Raises:
        UsageError: a value is not NAME=VERSION, or the scripts know no such name.
    """
    known = settable()
    versions: dict[str, str] = {}
    for value in values:
        match = SETTING.match(value)
        if not match or match[1] not in known:
            raise UsageError(
                f"--set {value}: is not a valid version; use NAME=VERSION, with one of these "
                f"names: {', '.join(sorted(known))}"
            )
        versions[match[1]] = match[2]
    if "UV_VERSION" in versions and "UV_SHA256" not in versions:
        raise UsageError(
            f"--set UV_VERSION={versions['UV_VERSION']}: needs the hash of that release's x86_64 "
            "wheel; add --set UV_SHA256=HASH"
        )
    return versions
