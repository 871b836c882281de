"""One build at a time per user."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.engine.errors import EngineError
from local.engine.log import log


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Hold *folder*'s lock; a process that waits reports the holder.

    The kernel frees the lock of a process that dies.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"{folder}: cannot be created: {error.strerror}; name another with XDG_CACHE_HOME"
        ) from None
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            log(f"process {holder} is building in {folder}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
