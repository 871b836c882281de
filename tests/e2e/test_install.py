"""`pulumi install` and `pulumi preview` in a fresh clone, as a user of Pulumi starts."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from packaging.utils import canonicalize_name

from local import engine
from tests.conftest import Say
from tests.e2e.checkout import copy_to
from tests.e2e.engine_stack import ROOT, ran
from tests.slices import EVERYTHING

pytestmark = [pytest.mark.proof]

INSTALL_TIMEOUT: Final = 900
"""Seconds; the installation downloads some 50 packages."""
OTHER_PROJECT: Final = {
    "pyproject.toml": '[project]\nname = "other"\nversion = "1"\n',
    "uv.lock": 'version = 1\nrequires-python = ">=3.9"\n',
}
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
SLICE: Final = (f"{sys.version_info.major}.{sys.version_info.minor}", "with uv")
CASES: Final = [
    pytest.param(*case, marks=() if case == SLICE else pytest.mark.thorough)
    for case in ((python, uv) for python in PYTHONS for uv in ("with uv", "without uv"))
]
MANAGED: Final = (Path.home() / ".pyenv/versions", Path.home() / ".local/share/uv/python")
"""Folders of pyenv and uv, each with a folder per interpreter."""


def interpreter(version: str) -> Path | None:
    """The Python of this version on this computer, if it can create virtual environments."""
    folders = [Path(sys.base_prefix) / "bin", *map(Path, os.get_exec_path())]
    folders += [folder for home in MANAGED for folder in sorted(home.glob("*/bin"))]
    for command in (folder / f"python{version}" for folder in folders):
        answer = ["-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
        if command.exists():
            completed = subprocess.run(
                [command, *answer], capture_output=True, text=True, check=False
            )
            if completed.stdout.strip() == version:
                return command
    return None


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A fresh clone in a path with blanks, below another project that uses uv."""
    for name, text in OTHER_PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    folder = tmp_path / "a fresh clone"
    folder.mkdir()
    copy_to(folder)
    yield folder
    shutil.rmtree(folder)  # half a gigabyte


@pytest.fixture
def plain(
    environment: Mapping[str, str], installed: engine.Engine, tmp_path: Path
) -> dict[str, str]:
    """The environment with `python3` and the engine, but without the project's own Python."""
    commands = tmp_path / "bin"
    commands.mkdir()
    folders = [str(commands), str(installed.pulumi.parent), "/usr/bin", "/bin"]
    # pip would compile every module, and the preview needs few of them
    return {**environment, "PATH": os.pathsep.join(folders), "PIP_COMPILE": "0"}


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


def pins() -> set[tuple[str, str]]:
    """The packages of requirements.txt that every system needs, with their versions."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.MULTILINE))


@pytest.mark.parametrize(("version", "uv"), CASES)
def test_install_makes_a_fresh_clone_ready_for_a_guarded_preview(
    version: str, uv: str, clone: Path, plain: dict[str, str], closing_line: Say
) -> None:
    python = interpreter(version)
    if python is None:
        closing_line(f"pulumi install with Python {version}: not tried, it is not installed here")
        pytest.skip(f"python{version} is missing; run uv python install {version}")
    commands, called = clone.parent / "bin", clone.parent / "uv-was-called"
    script(commands / "python3", f'exec "{python}" "$@"')
    if uv == "with uv":  # a uv that must not be called
        script(commands / "uv", f'echo "$@" >> "{called}"\nexit 1')
    else:
        assert shutil.which("uv", path=plain["PATH"]) is None, "uv is a command of the system"
    for folder in (clone, clone / "policies") if EVERYTHING else (clone,):
        install = ran(["pulumi", "install", "--no-plugins"], plain, folder, INSTALL_TIMEOUT)
        assert install.code == 0, install.output
    pip = [".venv/bin/python", "-m", "pip", "list", "--format", "json"]
    listed = json.loads(subprocess.check_output(pip, cwd=clone, env=plain))
    assert pins() <= {(canonicalize_name(entry["name"]), entry["version"]) for entry in listed}
    python_of_clone = [".venv/bin/python", "--version"]
    assert f" {version}." in subprocess.check_output(python_of_clone, cwd=clone, text=True)
    stack = f"python{version}-{uv}".replace(" ", "-")  # the cases share one account
    init = ran(["pulumi", "stack", "init", stack], plain, clone)
    assert init.code == 0, init.output
    preview = ran(
        ["pulumi", "preview", "--stack", stack, "--policy-pack", "policies"], plain, clone
    )
    assert preview.code == 0, preview.output
    assert "aws:ec2:Vpc" in preview.output
    assert not called.exists()
