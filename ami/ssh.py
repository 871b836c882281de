"""SSH to the build machine: its host key is known before it exists, so no other is ever trusted.

Everything runs in one background loop; the callers stay in the main thread, where a signal can end
their wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
import socket
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import asyncssh

from ami.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from asyncssh import SSHClientConnection, SSHKey

    from ami.limits import Limits

T = TypeVar("T")
Dial: TypeAlias = Callable[[str, int], socket.socket]
OnLine: TypeAlias = Callable[[str], None]
PORT: Final = 22
LOST: Final = (asyncssh.DisconnectError, asyncssh.ChannelOpenError, OSError)


class ConnectionBrokeError(SetupError):
    """The connection ended before the command did: nobody knows how far it came."""


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    key: SSHKey | Path | None
    """The private key, a file with it, or nothing: the user's SSH agent."""
    host_key: SSHKey


def dial(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=10)


class Guest:
    """One build machine, as seen over SSH."""

    def __init__(  # noqa: PLR0913 - the machine, the way in and the limits
        self,
        address: str,
        login: Login,
        limits: Limits,
        *,
        loop: asyncio.AbstractEventLoop,
        dial: Dial,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """*on_wait* is called every `limits.poll` of a wait for a login: it may end the wait."""
        self.address = address
        self._login, self._limits, self._loop, self._dial = login, limits, loop, dial
        self._on_wait = on_wait
        self._connection: SSHClientConnection | None = None

    def connect(self, limit: float) -> None:
        """Log in, trying until *limit*: refused, reset or not let in yet are all "not yet"."""
        looked = self._loop.time()
        end = looked + limit
        while True:
            try:
                self._connection = self._do(self._connect())
            except asyncssh.HostKeyNotVerifiable as error:
                raise SetupError(
                    f"{self.address} shows another host key than the build gave it: this may be"
                    " another machine, nothing was sent to it"
                ) from error
            except (*LOST, asyncssh.Error, TimeoutError) as error:
                if self._loop.time() + self._limits.knock > end:
                    raise SetupError(
                        f"{self.address}: no login within {limit:g} s, last: {error}"
                    ) from error
                if self._loop.time() - looked >= self._limits.poll:
                    self._on_wait()
                    looked = self._loop.time()
                self._do(asyncio.sleep(self._limits.knock))
            else:
                return

    def run(
        self,
        command: str,
        *,
        limit: float,
        what: str = "",
        on_line: OnLine = lambda _: None,
        secret: bytes = b"",
    ) -> str:
        """Run *command* to its end; its output, if and only if it ended well.

        The limit holds on the machine too, since closing a connection ends nothing there.
        """
        what = what or command.splitlines()[0]
        bounded = f"timeout --kill-after=10 {limit:g} sh -c {shlex.quote(command)}"
        try:
            output, status = self._do(self._run(bounded, secret, on_line, limit + 30))
        except (*LOST, TimeoutError) as error:
            raise ConnectionBrokeError(f"{what}: the connection broke: {error}") from error
        # no status at all is a broken connection too: asyncssh raises nothing then
        if status is None:
            raise ConnectionBrokeError(f"{what}: the connection broke")
        if status:
            last = "".join(f": {line}" for line in output.strip().splitlines()[-1:])
            said = "no end" if status == 124 else f"exit {status}"  # noqa: PLR2004 - timeout(1)
            raise CommandError(f"{what}: {said}{last}", status)
        return output

    def put(self, path: str, content: bytes, *, then: str = "") -> None:
        """Write a file, see that it arrived whole, and run *then* in its folder."""
        digest = hashlib.sha256(content).hexdigest()
        where = shlex.quote(path)
        follow = f" && cd $(dirname {where}) && {then}" if then else ""
        self.run(
            f"umask 077 && mkdir -p $(dirname {where}) && cat >{where}"
            f" && echo {digest}'  '{where} | sha256sum --check --quiet{follow}",
            limit=self._limits.check,
            what=f"copy to {path}",
            secret=content,
        )

    def close(self) -> None:
        if self._connection:
            self._connection.abort()
            self._connection = None

    async def _connect(self) -> SSHClientConnection:
        sock = await self._loop.run_in_executor(None, self._dial, self.address, PORT)
        login = self._login
        keys: dict[str, Any] = {"agent_path": None, "client_keys": [login.key]}
        try:
            return await asyncssh.connect(
                self.address,
                PORT,
                sock=sock,
                username=login.user,
                **({} if login.key is None else keys),
                known_hosts=([login.host_key.convert_to_public()], [], []),
                server_host_key_algs=["ssh-ed25519"],
                config=None,  # the user's own SSH settings have no say here
                login_timeout=self._limits.keepalive * 3,
                keepalive_interval=self._limits.keepalive,
                keepalive_count_max=3,
            )
        except BaseException:
            sock.close()
            raise

    async def _run(
        self, command: str, sent: bytes, on_line: OnLine, limit: float
    ) -> tuple[str, int | None]:
        if self._connection is None:
            raise ConnectionResetError("not connected")
        lines: list[str] = []
        process = await self._connection.create_process(
            command, stderr=asyncssh.STDOUT, encoding=None
        )
        async with asyncio.timeout(limit):
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(sent)
                process.stdin.write_eof()
            async for raw in process.stdout:
                if line := raw.decode(errors="replace").rstrip("\r\n"):
                    lines.append(line)
                    on_line(line)
            await process.wait_closed()
        return "\n".join(lines), process.exit_status

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


class CommandError(SetupError):
    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def background_loop() -> Generator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ssh", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _end_all() -> None:
    tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
