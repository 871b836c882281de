"""`sandbox` in the test's own process: a new process would import every library again."""

import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import IO

import pytest

from sandbox import cli


def run(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> CompletedProcess[str]:
    """Run `sandbox` with *arguments* in *folder*; *variables* are its whole environment."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        TemporaryFile("w+") as out,
        TemporaryFile("w+") as err,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        monkeypatch.chdir(folder)
        for name in os.environ.keys() - variables.keys():
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        code = cli.run(list(arguments))
        return CompletedProcess(list(arguments), code, _content(out), _content(err))


def _content(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()
