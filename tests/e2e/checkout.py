"""A fresh copy of the project: the files that git tracks or would track."""

import subprocess
from pathlib import Path

from tests.e2e.engine_stack import ROOT


def copy_to(folder: Path) -> None:
    """Copy the project into the empty *folder*, like a new user's clone."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    packed = subprocess.run(
        ["tar", "--null", "-cf", "-", "-T", "-"],
        cwd=ROOT,
        input=listed,
        capture_output=True,
        check=True,
    ).stdout
    subprocess.run(["tar", "-xf", "-"], cwd=folder, input=packed, check=True)
