"""Start ministack in a separate process, behind a server that keeps connections open."""

import http.client
import socket
import subprocess
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local import clean_env, python_tools, serve
from local.emulator import START_TIMEOUT, Emulator, EmulatorError
from local.idempotent_wsgi import IdempotentApplication

VERSION: Final = "1.5.33"
ACCOUNT: Final = "123456789012"
_KEPT: Final = frozenset({"content-type", "x-amzn-errortype", "x-amzn-requestid"})
"""The headers of an answer that are forwarded."""
_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


@contextmanager
def answering(folder: Path) -> Generator[Emulator]:
    """Answer as AWS, with files below *folder* only.

    Raises:
        EmulatorError: it ended, or did not answer in time.
    """
    python = python_tools.folder("ministack", VERSION) / "python"
    port = _free_port()
    log = folder / "ministack.log"
    environment = {
        **clean_env.clean(),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
    }
    with log.open("w") as stream:
        process = subprocess.Popen(
            [python, _LAUNCHER],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        _wait(process, port, log)
        with serve.serving(IdempotentApplication(_forwarded(port))) as running:
            yield running
    finally:
        process.terminate()
        process.wait()


def _forwarded(port: int) -> WSGIApplication:
    """A WSGI application that forwards each request to *port*."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        query = environ.get("QUERY_STRING", "")
        url = f"{environ['PATH_INFO']}?{query}" if query else environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request(environ["REQUEST_METHOD"], url, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() in _KEPT]
        length = ("Content-Length", str(len(content)))
        start_response(f"{response.status} {response.reason}", [*kept, length])
        return [content]

    return answer


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise EmulatorError(f"ministack did not start; read its log: {log}")
