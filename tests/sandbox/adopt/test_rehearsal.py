"""A rehearsal leaves nothing behind, however it ends; no engine is needed for that."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.adopt.rehearsal import PREFIX

LIMIT = 30
"""Seconds within which the run ends; without the signal it takes twice as long."""
REHEARSE = """
import signal, sys, time
from pathlib import Path
from sandbox.adopt.rehearsal import rehearsal
from sandbox.core.stack import Stack
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it
with rehearsal(Stack("production", Path(sys.argv[1]))):
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_run_removes_the_temporary_stack(
    tmp_path: Path, number: signal.Signals
) -> None:
    project, temporary, programs = (tmp_path / name for name in ("project", "tmp", "bin"))
    for folder in (project, temporary, programs):
        folder.mkdir()
    (project / "Pulumi.yaml").write_text("name: sandbox\n")
    created = tmp_path / "created"
    (programs / "pulumi").write_text(f"#!/bin/sh\ntouch {created}\n")
    (programs / "pulumi").chmod(0o755)
    variables = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(temporary),
    }
    with subprocess.Popen(
        [sys.executable, "-c", REHEARSE, str(project)], env=variables, stderr=subprocess.DEVNULL
    ) as running:
        while not created.exists():
            assert running.poll() is None
            time.sleep(0.02)
        assert [path.name.startswith(PREFIX) for path in temporary.iterdir()] == [True]
        running.send_signal(number)
        running.wait(LIMIT)
    assert list(temporary.iterdir()) == []
