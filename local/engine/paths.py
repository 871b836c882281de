"""Where things lie in the user's cache."""

import hashlib
import os
import platform
from pathlib import Path
from typing import Final

from local.engine import pins

SOURCE: Final = Path(__file__).parent / "source"
_COPYING: Final = ("bridge", "copies", "upstream")
"""The modules here that decide what of the provider's modules is compiled."""


def cache() -> Path:
    """The project's folder in the user's cache."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return root / "sandbox-pulumi"


def fingerprint(*folders: str) -> str:
    """What the build of *folders* below source/ depends on, in short."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {pins.CLI}".encode())
    files = [file for name in folders for file in sorted((SOURCE / name).iterdir())]
    if "provider" in folders:
        files += [Path(__file__).with_name(f"{name}.py") for name in _COPYING]
        digest.update(pins.PROVIDER.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
