"""A temporary stack on which an adoption is tried before the real stack is written."""

import secrets
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from sandbox.core import project
from sandbox.core.stack import Stack

PREFIX: Final = "sandbox-rehearsal-"
"""Of the temporary folder's name."""
NOT_INHERITED: Final = ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK")
"""Variables that name another stack or another passphrase."""
NOT_LINKED: Final = frozenset({".git", ".pulumi", ".local", project.FILE})
ENDING_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def rehearsal(stack: Stack) -> Generator[Stack]:
    """Create a stack of the same name on a temporary backend, and remove both afterwards.

    Its secrets are encrypted with a random passphrase that is not stored.
    """
    with _signals_interrupt(), tempfile.TemporaryDirectory(prefix=PREFIX) as temporary:
        folder, backend = Path(temporary, "project"), Path(temporary, "state")
        folder.mkdir()
        backend.mkdir()
        shutil.copy(stack.folder / project.FILE, folder)
        for entry in stack.folder.iterdir():
            if entry.name not in NOT_LINKED and not entry.match("Pulumi.*.yaml"):
                (folder / entry.name).symlink_to(entry)
        inherited = {
            key: value for key, value in stack.environment.items() if key not in NOT_INHERITED
        }
        copy = Stack(
            stack.short_name,
            folder,
            {
                **inherited,
                "PULUMI_BACKEND_URL": backend.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(32),
            },
        )
        copy.create()
        yield copy


@contextmanager
def _signals_interrupt() -> Generator[None]:
    """Let a termination signal end the block as Ctrl-C does, so that its cleanup runs."""
    before = {
        number: signal.signal(number, _interrupt)
        for number in ENDING_SIGNALS
        if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not stop the cleanup
    raise KeyboardInterrupt
