"""Paths in the user's cache."""

import hashlib
import os
import platform
from pathlib import Path
from typing import Final

from local.engine import pins

SOURCE: Final = Path(__file__).parent / "source"
_FILTERS: Final = {
    "cli": ("pulumi_command", "module_copies"),
    "provider": ("provider_bridge", "module_copies", "provider_sources"),
}
"""The Python modules here that decide which packages of a part are compiled."""


def cache() -> Path:
    """The project's folder in the user's cache."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return root / "sandbox-pulumi"


def fingerprint(*folders: str) -> str:
    """A short digest of everything that the build of *folders* below source/ depends on."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {pins.CLI}".encode())
    files = [file for folder in folders for file in sorted((SOURCE / folder).iterdir())]
    for folder in folders:
        files += [Path(__file__).with_name(f"{name}.py") for name in _FILTERS.get(folder, ())]
    if "provider" in folders:
        digest.update(pins.PROVIDER.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
