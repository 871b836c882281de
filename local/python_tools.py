"""Python packages whose pins conflict with the project's, each in a separate environment."""

import subprocess
import sys
from pathlib import Path

from local.engine import cache
from local.engine.lock import held


def folder(package: str, version: str) -> Path:
    """The folder with the package's commands and its `python`, below the engine's cache."""
    home = cache() / "tools" / f"{package}-{version}"
    complete = home / "complete"
    with held(home):
        if not complete.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", home / "venv"], check=True)
            install = ("-m", "pip", "install", "--quiet", f"{package}=={version}")
            subprocess.run([home / "venv" / "bin" / "python", *install], check=True)
            complete.touch()
    return home / "venv" / "bin"
