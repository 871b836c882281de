"""`pulumi install` and `pulumi preview` in a fresh clone, as whoever knows Pulumi starts."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from local import engine
from tests.e2e.checkout import copy_to
from tests.e2e.sandbox import ran

pytestmark = [pytest.mark.proof]

INSTALL_TIMEOUT: Final = 600
"""Seconds; the installation downloads some 50 packages."""
OTHER_PROJECT: Final = {
    "pyproject.toml": '[project]\nname = "other"\nversion = "1"\n',
    "uv.lock": 'version = 1\nrequires-python = ">=3.9"\n',
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone in a path with blanks, below another project that uses uv."""
    for name, text in OTHER_PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    folder = tmp_path / "a fresh clone"
    folder.mkdir()
    copy_to(folder)
    return folder


@pytest.fixture
def plain(
    environment: Mapping[str, str], installed: engine.Engine, tmp_path: Path
) -> dict[str, str]:
    """The environment without the project's own Python, and with a uv that must not be called."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/uv-was-called"\nexit 1\n', encoding="utf-8")
    uv.chmod(0o755)
    python = Path(sys.base_prefix) / "bin"
    folders = [str(uv.parent), str(installed.pulumi.parent), str(python), "/usr/bin", "/bin"]
    return {**environment, "PATH": os.pathsep.join(folders)}


def test_install_makes_a_fresh_clone_ready_for_a_guarded_preview(
    clone: Path, plain: dict[str, str], tmp_path: Path
) -> None:
    install = ran(["pulumi", "install", "--no-plugins"], plain, clone, INSTALL_TIMEOUT)
    assert install.code == 0, install.output
    init = ran(["pulumi", "stack", "init", "test"], plain, clone)
    assert init.code == 0, init.output
    preview = ran(
        ["pulumi", "preview", "--stack", "test", "--policy-pack", "policies"], plain, clone
    )
    assert preview.code == 0, preview.output
    assert "aws:ec2:Vpc" in preview.output
    assert not (tmp_path / "uv-was-called").exists()
