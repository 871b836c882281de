"""A fresh copy of the project: the files that git tracks or would track."""

import os
import shutil
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


def copy_bytecode(folder: Path) -> None:
    """Put the bytecode of this project and its libraries into the copy in *folder*.

    A new virtual environment has none, so the first processes would compile every library again.
    Python takes bytecode only for a source of the same size and time.
    """
    listed = subprocess.run(
        ["find", ".", "-name", "*.pyc", "-print0"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in listed.decode().split("\0")[:-1]:
        target = folder / name
        if (target.parents[1]).is_dir() and not target.exists():
            target.parent.mkdir(exist_ok=True)
            try:
                os.link(ROOT / name, target)
            except OSError:  # another file system
                shutil.copy2(ROOT / name, target)
