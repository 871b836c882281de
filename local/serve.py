"""The emulated AWS: moto with its gaps answered, on 127.0.0.1 and a free port.

`python -m local.serve FOLDER` writes FOLDER/emulator.json once it answers, and serves until it is
told to stop.

Served by cheroot: moto's own server closes each connection after an answer, which takes half as
long again.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Final, cast
from wsgiref.types import WSGIApplication

from cheroot.wsgi import Server

from local.emulator import Emulator
from local.idempotent_wsgi import Repeats

_THREADS: Final = 16
"""A thread serves one request, while as many connections wait as clients have opened."""
_CONNECTIONS: Final = 1000
_IDLE: Final = 600
"""Seconds until an unused connection is closed: longer than any command keeps one."""


def _as_it_is(application: WSGIApplication) -> WSGIApplication:
    return application


@contextmanager
def answering(
    around: Callable[[WSGIApplication], WSGIApplication] = _as_it_is,
) -> Generator[Emulator]:
    """Answer as AWS in this process; *around* may wrap what answers."""
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 4 times faster to its first call
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - reads the environment at import
        DomainDispatcherApplication,
        create_backend_app,
    )

    from local import moto_patches as gaps  # noqa: PLC0415 - imports moto

    gaps.install()
    server = Server(
        ("127.0.0.1", 0),
        around(Repeats(DomainDispatcherApplication(create_backend_app))),
        numthreads=_THREADS,
        timeout=_IDLE,
    )
    server.keep_alive_conn_limit = _CONNECTIONS
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Emulator(port=cast("int", server.bind_addr[1]), pid=os.getpid())
    finally:
        server.stop()
        thread.join()


def main(folder: Path, around: Callable[[WSGIApplication], WSGIApplication] = _as_it_is) -> None:
    """Serve until a signal says to stop."""
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # in every thread that starts from here on
    note = folder / "emulator.json"
    with answering(around) as running:
        draft = note.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(running)))
        draft.rename(note)
        signal.sigwait(signals)
        note.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
