"""The emulated AWS: moto with our patches, on 127.0.0.1 and a free port.

`python -m local.serve FOLDER` writes FOLDER/emulator.json as soon as it answers. It serves until it
gets SIGTERM or SIGINT, or until that file is deleted or names another process.

`--delay MILLISECONDS` delays each answer, as a distant region does. `--seed NUMBER` shows new
resources late and throttles some calls (`local.eventual_consistency`); the same seed repeats the
same decisions. `--unchecked` refuses only what moto refuses, so that `make bench` can measure the
checks.

cheroot serves the requests, because moto's own server closes the connection after each answer, and
an update then takes half as long again.
"""

import argparse
import gc
import json
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cheroot.wsgi import Server

from local import aws_models
from local.authorization.application import AuthorizedApplication
from local.emulator import NOTE, Emulator
from local.idempotent_wsgi import IdempotentApplication
from local.request_checks.application import CheckedApplication
from local.unimplemented import UnimplementedApplication

_THREADS: Final = 16
"""The number of requests that are answered at the same time; more connections wait."""
_DELAYED_THREADS: Final = 64
"""The same with a delay, in which a request keeps its thread."""
_CONNECTIONS: Final = 1000
_NOTE_CHECK: Final = 2
"""Seconds between two checks of the file that names this process."""
_IDLE: Final = 600
"""Seconds until an unused connection is closed; no command keeps one for longer."""


def delayed(milliseconds: int) -> Callable[[WSGIApplication], WSGIApplication]:
    """Wrap an application so that each of its answers takes *milliseconds* longer."""

    def wrapped(application: WSGIApplication) -> WSGIApplication:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            time.sleep(milliseconds / 1000)
            return application(environ, start_response)

        return answer

    return wrapped


def eventual(seed: int) -> Callable[[WSGIApplication], WSGIApplication]:
    """Wrap an application so that it shows new resources late and throttles calls."""

    def wrapped(application: WSGIApplication) -> WSGIApplication:
        from local.eventual_consistency.application import EventuallyConsistentApplication  # noqa: PLC0415 - imports moto

        return EventuallyConsistentApplication(application, seed)

    return wrapped


def _unchanged(application: WSGIApplication) -> WSGIApplication:
    return application


@contextmanager
def answering(
    around: Callable[[WSGIApplication], WSGIApplication] = _unchanged,
    threads: int = _THREADS,
    *,
    checked: bool = True,
) -> Generator[Emulator]:
    """Serve the emulated AWS in this process; *around* may wrap the application.

    Without *checked*, no permissions are checked, and only moto's own limits apply.
    """
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # the first call is 4 times faster
    aws_models.read_once()  # moto's import reads them
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415 - as below
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - reads the environment at import
        DomainDispatcherApplication,
        create_backend_app,
    )

    from local import moto_patches  # noqa: PLC0415 - imports moto

    moto_patches.install()

    def application_of(service: Any) -> Any:  # noqa: ANN401 - moto's
        if service is None:
            raise NotImplementedError("the service is missing")
        return create_backend_app(service)

    aws: WSGIApplication = DomainDispatcherApplication(application_of)
    if checked:
        aws = AuthorizedApplication(CheckedApplication(aws))
    try:
        with serving(
            around(IdempotentApplication(UnimplementedApplication(aws))), threads
        ) as running:
            yield running
    finally:
        moto_api_backend.reset()  # moto's accounts outlive the server


@contextmanager
def serving(application: WSGIApplication, threads: int = _THREADS) -> Generator[Emulator]:
    """Serve *application* on a free port of this machine."""
    server = Server(("127.0.0.1", 0), application, numthreads=threads, timeout=_IDLE)
    server.keep_alive_conn_limit = _CONNECTIONS
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Emulator(port=cast("int", server.bind_addr[1]), pid=os.getpid())
    finally:
        server.stop()
        thread.join()


def main(
    folder: Path,
    around: Callable[[WSGIApplication], WSGIApplication] = _unchanged,
    threads: int = _THREADS,
    *,
    checked: bool = True,
) -> None:
    """Serve until a signal arrives, or until the file no longer names this process."""
    gc.set_threshold(50_000)  # imports and accounts stay: to search them is a third of the start
    ending = Event()

    def end(*_: object) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    # every account has them; in-process tests do without, since each account builds them
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    note = folder / NOTE
    with answering(around, threads, checked=checked) as running:
        draft = note.with_suffix(".draft")
        text = json.dumps(asdict(running))
        draft.write_text(text)
        draft.rename(note)
        while _holds(note, text):
            if ending.wait(_NOTE_CHECK):
                note.unlink(missing_ok=True)


def _holds(note: Path, text: str) -> bool:
    try:
        return note.read_text() == text
    except (OSError, UnicodeError):
        return False


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.serve")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--delay", type=int, default=0, metavar="MILLISECONDS")
    parser.add_argument("--seed", type=int, metavar="NUMBER")
    parser.add_argument("--unchecked", dest="checked", action="store_false")
    return parser.parse_args()


def _around(options: argparse.Namespace) -> Callable[[WSGIApplication], WSGIApplication]:
    """The wrappers that the options select, with the delay outermost."""
    inner = _unchanged if options.seed is None else eventual(options.seed)
    outer = delayed(options.delay) if options.delay else _unchanged
    return lambda application: outer(inner(application))


if __name__ == "__main__":
    options = _options()
    threads = _DELAYED_THREADS if options.delay else _THREADS
    main(options.folder, _around(options), threads, checked=options.checked)
