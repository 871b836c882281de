"""Start, find and stop an AWS that is emulated on this machine."""

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

from local import clean_env

ROOT: Final = Path(__file__).parents[1]
START_TIMEOUT: Final = 600
"""Seconds that a start may take; it usually takes two, on a busy machine a minute."""
STOP_TIMEOUT: Final = 20
"""Seconds that a stop may take."""
NOTE: Final = "emulator.json"
"""The file in the emulator's folder that holds its address."""


class EmulatorError(Exception):
    """The emulator does not start; the text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"


def start(
    folder: Path, *, delay: int = 0, seed: int | None = None, checked: bool = True
) -> Emulator:
    """Start the emulator of *folder*, or return the running one.

    *delay* is in milliseconds for each answer. With a *seed* it shows new resources late. Without
    *checked* it checks neither permissions nor requests.

    Raises:
        EmulatorError: it ended, or did not answer in time.
    """
    if emulator := running(folder):
        return emulator
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    options = ["--delay", str(delay)]
    options += [] if seed is None else ["--seed", str(seed)]
    options += [] if checked else ["--unchecked"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.serve", str(folder), *options],
            cwd=ROOT,
            env=clean_env.clean(),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if emulator := running(folder):
            return emulator
        time.sleep(0.05)
    process.kill()
    raise EmulatorError(f"the emulated AWS did not start; read its log: {log}")


def running(folder: Path) -> Emulator | None:
    """The emulator of *folder*, if it is alive and answers."""
    try:
        note = json.loads((folder / NOTE).read_text())
        emulator = Emulator(port=note["port"], pid=note["pid"])
        os.kill(emulator.pid, 0)
        with socket.create_connection(("127.0.0.1", emulator.port)):
            return emulator
    except (OSError, ValueError, KeyError, TypeError):  # no file, an incomplete one, or no answer
        return None


def stop(folder: Path) -> None:
    """Stop the emulator of *folder*, if it runs. Its account is lost."""
    if emulator := running(folder):
        os.kill(emulator.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while running(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
    (folder / NOTE).unlink(missing_ok=True)
