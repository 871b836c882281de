"""Tools that tests need and the project does not: kept where the engine is kept."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ACTIONLINT: Final = "v1.7.12"
CHECKOV_LOCK: Final = Path(__file__).parent / "checkov" / "requirements.lock"
BIN: Final = Path(sys.executable).parent


def root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sandbox-pulumi" / "tools"


def actionlint() -> Path:
    """Built once, from the Go module."""
    folder = root() / f"actionlint-{ACTIONLINT}"
    tool = folder / "actionlint"
    if not tool.exists():
        module = f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}"
        environment = {**os.environ, "GOBIN": str(folder), "PATH": f"{BIN}:{os.environ['PATH']}"}
        subprocess.run(["go", "install", module], env=environment, check=True)
    return tool


def checkov() -> Path:
    """A virtual environment of its own: it pins another boto3 than the project."""
    digest = hashlib.sha256(CHECKOV_LOCK.read_bytes()).hexdigest()[:12]
    folder = root() / f"checkov-{digest}"
    tool = folder / "bin" / "checkov"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = ("-m", "pip", "install", "--quiet", "--require-hashes", "-r", CHECKOV_LOCK)
        subprocess.run([folder / "bin" / "python", *install], check=True)
        (folder / "complete").touch()
    return tool
