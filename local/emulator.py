"""An AWS emulated on this machine: started, found again, and stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import clean_env as surroundings

ROOT: Final = Path(__file__).parents[1]
LONGEST_START: Final = 60
"""Seconds until it has to answer; it usually takes two."""
LONGEST_STOP: Final = 20


class EmulatorError(Exception):
    """It does not start; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"


def start(folder: Path) -> Emulator:
    """Start the emulator of *folder*, or return the one that runs.

    Raises:
        EmulatorError: it ended or did not answer in time.
    """
    if found := running(folder):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.serve", str(folder)],
            cwd=ROOT,
            env=surroundings.clean(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and process.poll() is None:
        if found := running(folder):
            return found
        time.sleep(0.05)
    process.kill()
    raise EmulatorError(f"the emulated AWS did not start; its log is {log}")


def running(folder: Path) -> Emulator | None:
    """The emulator of *folder*, if it is alive and answers."""
    try:
        note = json.loads((folder / "emulator.json").read_text())
    except FileNotFoundError:
        return None
    found = Emulator(port=note["port"], pid=note["pid"])
    try:
        os.kill(found.pid, 0)
        with socket.create_connection(("127.0.0.1", found.port), timeout=2):
            return found
    except OSError:
        return None


def stop(folder: Path) -> None:
    """Stop the emulator of *folder*, if it runs; what it held is gone."""
    if found := running(folder):
        os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + LONGEST_STOP
        while running(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
    (folder / "emulator.json").unlink(missing_ok=True)
