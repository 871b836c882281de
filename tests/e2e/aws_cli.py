"""AWS's own command line, for the commands that the README prints; it pins another botocore."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from local.engine import cache
from local.engine.lock import held

VERSION: Final = "1.46.3"


def folder() -> Path:
    """The folder that holds `aws`, in a virtual environment of its own below the engine's cache."""
    home = cache() / "tools" / f"awscli-{VERSION}"
    complete = home / "complete"
    with held(home):
        if not complete.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", home / "venv"], check=True)
            python = home / "venv" / "bin" / "python"
            install = ("-m", "pip", "install", "--quiet", f"awscli=={VERSION}")
            subprocess.run([python, *install], check=True)
            complete.touch()
    return home / "venv" / "bin"
