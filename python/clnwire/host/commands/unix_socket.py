"""The daemon's JSON-RPC socket. Each connection runs one command at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from clnwire._core import Frame, Framer, MalformedError, Outbox
from clnwire.error_codes import INVALID_REQUEST
from clnwire.host.commands.commands import CallerSettings, Delivery
from clnwire.host.errors import HostError

if TYPE_CHECKING:
    from clnwire.host.directory import Directory

Serve: TypeAlias = "Callable[[Frame, CallerConnection], Awaitable[tuple[bytes, Delivery | None]]]"
"""Answers a request: returns the reply's text with its trailing white space, and how to send it;
`None` sends it at once."""

MOST_WAITING: Final = 100
"""At this many queued requests of a caller the host stops reading from its socket."""
MOST_UNREAD_BYTES: Final = 64 << 20
"""Above this many bytes that a caller has not read, the host aborts the connection."""

LONGEST_PATH: Final = 100
"""The longest path in bytes that all systems accept: `sun_path` has at least 104 bytes with NUL."""


class CallerConnection(asyncio.Protocol):
    """The connection of one caller."""

    _transport: asyncio.Transport
    _task: asyncio.Task[None]

    def __init__(self, serve: Serve, framer: Framer, connections: set[CallerConnection]) -> None:
        self.session = CallerSettings()
        self._serve, self._framer, self._connections = serve, framer, connections
        self._requests: asyncio.Queue[Frame | MalformedError | None] = asyncio.Queue()
        self._is_refused = False
        self._is_read = asyncio.Event()
        self._is_read.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the task that serves the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Queues the complete requests."""
        if self._is_refused:
            return
        self._framer.feed(data)
        try:
            for frame in self._framer:
                # lightningd's parser accepts some malformed requests: those are served.
                refused = frame.fault if frame.is_refused else None
                self._requests.put_nowait(refused or frame)
        except MalformedError as error:
            self._requests.put_nowait(error)
        # lightningd reports the fault at the next `}`, which may never come; report it now.
        if (fault := self._framer.refused) is not None:
            self._requests.put_nowait(fault)
        if self._requests.qsize() >= MOST_WAITING:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Stops running further commands, because the caller does not read."""
        self._is_read.clear()

    def resume_writing(self) -> None:
        """Resumes running commands, because the caller has read."""
        self._is_read.set()

    def eof_received(self) -> bool:
        """Keeps the connection open for writing until all queued requests are answered."""
        self._requests.put_nowait(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops serving. A running command continues in its plugin; its answer is dropped."""
        del exc
        self._connections.discard(self)
        self._task.cancel()

    def write(self, data: bytes) -> None:
        """Sends data unless the connection is closing."""
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            # A running command may send any number of notices.
            self.abort()
        else:
            self._transport.write(data)

    def abort(self) -> None:
        """Closes the connection at once and drops the buffered data."""
        self._transport.abort()

    async def _run(self) -> None:
        while (request := await self._next()) is not None:
            if isinstance(request, MalformedError):
                await self._refuse(request)
                break
            reply, delivery = await self._serve(request, self)
            if delivery is None:
                self.write(reply)
                continue
            for chunk in delivery.chunks(reply):
                self.write(chunk)
                await asyncio.sleep(delivery.pause)
            if delivery.hang_up_after is not None:
                break
        self._transport.close()

    async def _refuse(self, fault: MalformedError) -> None:
        """Sends the error and drops further input until the caller closes.

        Closing with unread input would reset the connection and could lose the error reply.
        """
        self._is_refused = True
        outbox = Outbox()
        outbox.error(b"null", INVALID_REQUEST, f"Invalid token in json input: {fault}")
        self.write(outbox.take())
        if not self._transport.is_closing():
            self._transport.write_eof()
        while await self._next() is not None:
            pass

    async def _next(self) -> Frame | MalformedError | None:
        """The next request. As in lightningd it waits until the caller has read earlier replies."""
        await self._is_read.wait()
        request = await self._requests.get()
        if self._requests.empty():
            self._transport.resume_reading()
        return request


class RpcSocket:
    """The listening socket, a file with mode 0600."""

    def __init__(self, directory: Directory, serve: Serve, framer: Callable[[], Framer]) -> None:
        self._directory, self._serve, self._framer = directory, serve, framer
        self._connections: set[CallerConnection] = set()
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        """Starts to listen; does nothing if it already does. Raises `HostError`."""
        if self._server is None:
            listener = _listener(self._directory.rpc_path)
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(self._accept, sock=listener)

    def _accept(self) -> CallerConnection:
        return CallerConnection(self._serve, self._framer(), self._connections)

    @property
    def callers(self) -> int:
        """The number of connections."""
        return len(self._connections)

    def hang_up(self) -> None:
        """Closes all connections at once."""
        for connection in list(self._connections):
            connection.abort()

    def stop_listening(self) -> None:
        """Accepts no further connections; those that are open are served on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Closes all connections and removes the socket's file."""
        if self._server is None:
            return
        self.stop_listening()
        self.hang_up()
        await self._server.wait_closed()
        self._server = None
        self._directory.rpc_path.unlink(missing_ok=True)


def _listener(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with shortened(path) as name:
            listener.bind(name)
        # Nobody can connect before the socket listens, so setting the mode here is not a race.
        path.chmod(0o600)
    except OSError as error:
        listener.close()
        raise HostError(f"cannot open {path}: {error.strerror}") from None
    return listener


def _remove_stale(path: Path) -> None:
    """Removes the socket of a dead daemon. Raises `HostError` if a daemon listens on it."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, shortened(path) as name:
        if probe.connect_ex(name) == 0:
            raise HostError(f"another daemon listens at {path}")
    path.unlink()


@contextmanager
def shortened(path: Path) -> Generator[str, None, None]:
    """Yields `path`, or within the context a short alias of it if it is too long for a socket.

    lightningd avoids the limit by binding a name relative to its working directory. Raises
    `OSError`.
    """
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
    elif sys.platform == "linux":
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{path.name}"
        finally:
            os.close(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="clnwire-", dir="/tmp") as place:
            link = Path(place) / "d"
            link.symlink_to(path.parent.absolute())
            yield str(link / path.name)
