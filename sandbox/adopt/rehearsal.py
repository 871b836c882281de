"""A stack on which an adoption is tried first, and that is thrown away."""

import secrets
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.core import project
from sandbox.core.stack import Stack

NOT_INHERITED: Final = ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK")
"""Variables that name another stack or another passphrase."""
NOT_COPIED: Final = frozenset({".git", ".pulumi", ".local", project.FILE})


@contextmanager
def rehearsal(stack: Stack) -> Generator[Stack]:
    """A stack of the same name on a backend of its own, which is gone afterwards.

    Its secrets are encrypted with a passphrase that nobody ever learns.
    """
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as temporary:
        folder, backend = Path(temporary, "project"), Path(temporary, "state")
        folder.mkdir()
        backend.mkdir()
        shutil.copy(stack.folder / project.FILE, folder)
        for entry in stack.folder.iterdir():
            if entry.name not in NOT_COPIED and not entry.match("Pulumi.*.yaml"):
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
