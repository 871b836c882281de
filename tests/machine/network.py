"""A machine's private network: loopback only, with AWS's metadata service and a relay for apt.

The network is a network namespace without an interface to this computer, so it disappears with the
process. A socket belongs to the namespace in which it was opened. So the tests open sockets inside
it to reach the machine's sshd, and the two servers listen inside it.
"""

from __future__ import annotations

import ctypes
import http.server
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

METADATA = "169.254.169.254"
RELAY = 3128
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class MachineNetwork:
    def __init__(self) -> None:
        self._servers: list[http.server.ThreadingHTTPServer] = []
        home = _current_namespace()
        try:
            _call("unshare", CLONE_NEWNET)
            self._namespace = _current_namespace()
            try:
                _run("ip", "link", "set", "lo", "up")
                _run("ip", "address", "add", f"{METADATA}/32", "dev", "lo")
            finally:
                _call("setns", home, CLONE_NEWNET)
        finally:
            os.close(home)

    def end(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        os.close(self._namespace)

    @contextmanager
    def inside(self) -> Generator[None]:
        """Let the processes and sockets of this thread belong to the machine's network."""
        home = _current_namespace()
        _call("setns", self._namespace, CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
            os.close(home)

    def serve(self, port: int, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        with self.inside():
            server = http.server.ThreadingHTTPServer((METADATA, port), handler)
        server.daemon_threads = True
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


def metadata(values: dict[str, str]) -> type[http.server.BaseHTTPRequestHandler]:
    """The metadata service. It requires no token: cloud-init requests one on AWS only."""

    class Metadata(Quiet):
        def do_GET(self) -> None:
            value = values.get(self.path.split("/", 2)[2])  # the first part is a version
            self.answer(404 if value is None else 200, (value or "").encode())

    return Metadata


def relay(proxy: str) -> type[http.server.BaseHTTPRequestHandler]:
    """An HTTP proxy for the machine's apt, which uses *proxy* if this computer needs one."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": proxy} if proxy else {})
    )

    class Relay(Quiet):
        def do_GET(self) -> None:
            wanted = {"If-Modified-Since", "Range", "If-Range", "Cache-Control"}
            headers = {name: value for name, value in self.headers.items() if name in wanted}
            try:
                answer = opener.open(urllib.request.Request(self.path, headers=headers), timeout=60)  # noqa: S310 - the relay is for http
            except urllib.error.HTTPError as error:
                answer = error
            except OSError as error:
                self.answer(502, str(error).encode())
                return
            with answer:
                self.send_response(answer.status or 502)
                for name in ("Content-Length", "Content-Range", "Last-Modified", "Content-Type"):
                    if value := answer.headers.get(name):
                        self.send_header(name, value)
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)

    return Relay


class Quiet(http.server.BaseHTTPRequestHandler):
    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


def _current_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _call(name: str, *arguments: int) -> None:
    if LIBC[name](*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
