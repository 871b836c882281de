"""SSH to the build machine.

The builder generates the machine's host key, so it trusts this key only, and never "the first one
seen". Everything runs in one background event loop. Callers stay in the main thread, where a signal
can end their wait.
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
    from asyncssh import SSHClientConnection, SSHKey

    from ami.limits import Limits

T = TypeVar("T")
Dial: TypeAlias = Callable[[str, int], socket.socket]
"""Connects to a host and a port."""
OnLine: TypeAlias = Callable[[str], None]
PORT: Final = 22
LOST: Final = (asyncssh.DisconnectError, asyncssh.ChannelOpenError, OSError)
TIMED_OUT: Final = 124
"""The exit status of timeout(1) after it ended the command."""
REFUSED: Final = "ermission denied"
"""Part of asyncssh's error if the machine accepts no offered key."""
KEEPALIVES: Final = 3
"""The keepalives without an answer after which a connection counts as broken."""


class ConnectionBrokeError(SetupError):
    """The connection broke before the command ended; the command may have succeeded."""


class CommandError(SetupError):
    """A command on the machine failed, or was ended at its limit."""


@dataclass(frozen=True, slots=True)
class Login:
    """The user and key of a login, and the expected host key of the machine."""

    user: str
    key: SSHKey | None
    """The private key; None: a key in the user's SSH agent."""
    host_key: SSHKey


def dial(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=10)


class SshSession:
    """The SSH connection to one build machine; it can reconnect."""

    def __init__(  # noqa: PLR0913 - the machine, the login and the limits
        self,
        address: str,
        login: Login,
        limits: Limits,
        *,
        loop: asyncio.AbstractEventLoop,
        dial: Dial,
        on_wait: Callable[[], None] = lambda: None,
        silence_hint: str = "",
    ) -> None:
        """A wait for a login calls *on_wait* every `limits.poll_interval`; it may raise.

        *silence_hint* is appended to the error for a machine whose port never answered.
        """
        self.address = address
        self._login, self._limits, self._loop, self._dial = login, limits, loop, dial
        self._on_wait, self._silence_hint = on_wait, silence_hint
        self._connection: SSHClientConnection | None = None

    def connect(self, limit: float) -> None:
        """Log in; retry after a refusal or reset, because the machine may be starting.

        Raises:
            SetupError: the host key is wrong, the machine refused the key for `limits.refused`
                seconds, or no login succeeded within *limit* seconds.
        """
        last_wait = self._loop.time()
        end = last_wait + limit
        first_refusal: float | None = None
        silent = True
        while True:
            try:
                self._connection = self._do(self._connect())
            except asyncssh.HostKeyNotVerifiable as error:
                raise SetupError(
                    f"{self.address} shows another host key than the build gave to its machine; "
                    "it may be another machine, so nothing was sent to it"
                ) from error
            except (*LOST, asyncssh.Error) as error:
                refused = isinstance(error, asyncssh.DisconnectError) and REFUSED in str(error)
                first_refusal = (first_refusal or self._loop.time()) if refused else None
                if first_refusal and self._loop.time() - first_refusal >= self._limits.refused:
                    raise SetupError(
                        f"{self.address}: refuses the key of user {self._login.user} for "
                        f"{self._limits.refused:g} s ({error}); check --ssh-user and --ssh-key"
                    ) from error
                silent = silent and isinstance(error, TimeoutError)
                if self._loop.time() + self._limits.login_retry_interval > end:
                    raise SetupError(
                        f"{self.address}: no login within {limit:g} s; last error: "
                        f"{str(error) or 'no answer'}{self._silence_hint if silent else ''}"
                    ) from error
                if self._loop.time() - last_wait >= self._limits.poll_interval:
                    self._on_wait()
                    last_wait = self._loop.time()
                self._do(asyncio.sleep(self._limits.login_retry_interval))
            else:
                return

    def run(
        self,
        command: str,
        *,
        limit: float,
        name: str = "",
        on_line: OnLine = lambda _: None,
        stdin: bytes = b"",
    ) -> str:
        """Run *command* and return its output; errors call it *name*.

        timeout(1) ends it on the machine after *limit* seconds; a closed connection would not.

        Raises:
            CommandError: it failed, or was ended at its limit.
            ConnectionBrokeError: the connection broke.
        """
        name = name or command.splitlines()[0]
        bounded = f"timeout --kill-after=10 {limit:g} sh -c {shlex.quote(command)}"
        try:
            output, status = self._do(self._run(bounded, stdin, on_line, limit + 30))
        except LOST as error:
            raise ConnectionBrokeError(
                f"{name}: the connection broke: {error}; build again"
            ) from error
        # asyncssh raises nothing if the connection broke without an exit status
        if status is None:
            raise ConnectionBrokeError(f"{name}: the connection broke; build again")
        if status:
            last_line = output.strip().splitlines()[-1:]
            ending = f"no end within {limit:g} s" if status == TIMED_OUT else f"exit {status}"
            raise CommandError(": ".join([name, ending, *last_line]))
        return output

    def put(self, path: str, content: bytes, *, then: str = "") -> None:
        """Write a file, verify its checksum, and run *then* in its folder."""
        digest = hashlib.sha256(content).hexdigest()
        quoted = shlex.quote(path)
        follow = f" && cd $(dirname {quoted}) && {then}" if then else ""
        self.run(
            f"umask 077 && mkdir -p $(dirname {quoted}) && cat >{quoted}"
            f" && echo {digest}'  '{quoted} | sha256sum --check --quiet{follow}",
            limit=self._limits.check,
            name=f"copy to {path}",
            stdin=content,
        )

    def close(self) -> None:
        if self._connection:
            self._connection.abort()
            self._connection = None

    async def _connect(self) -> SSHClientConnection:
        sock = await self._loop.run_in_executor(None, self._dial, self.address, PORT)
        login = self._login
        own_key: dict[str, Any] = {"agent_path": None, "client_keys": [login.key]}
        try:
            return await asyncssh.connect(
                self.address,
                PORT,
                sock=sock,
                username=login.user,
                **({} if login.key is None else own_key),
                known_hosts=([login.host_key.convert_to_public()], [], []),
                server_host_key_algs=["ssh-ed25519"],
                config=None,  # ignore the user's own SSH settings
                login_timeout=self._limits.keepalive_interval * KEEPALIVES,
                keepalive_interval=self._limits.keepalive_interval,
                keepalive_count_max=KEEPALIVES,
            )
        except BaseException:
            sock.close()
            raise

    async def _run(
        self, command: str, stdin: bytes, on_line: OnLine, limit: float
    ) -> tuple[str, int | None]:
        if self._connection is None:
            raise ConnectionResetError("not connected")
        lines: list[str] = []
        process = await self._connection.create_process(
            command, stderr=asyncssh.STDOUT, encoding=None
        )
        async with asyncio.timeout(limit):
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(stdin)
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


@contextmanager
def background_loop() -> Generator[asyncio.AbstractEventLoop]:
    """An event loop in a separate thread, until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ssh", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_tasks(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _cancel_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
