"""The daemon's JSON-RPC socket: one command at a time on a connection, connections side by side."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final, TypeAlias

from clnwire._core import Framer, MalformedError, Outbox
from clnwire.error_codes import INVALID_REQUEST
from clnwire.host.commands.commands import CallerSettings
from clnwire.host.errors import HostError
from clnwire.host.short_path import shortened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from clnwire._core import Frame
    from clnwire.host.delivery import Delivery

Serve: TypeAlias = "Callable[[Frame, CallerConnection], Awaitable[tuple[bytes, Delivery | None]]]"
"""Answers one request: the reply's whole text, white space at its end included, and how it goes
out if not at once."""

MOST_WAITING: Final = 100
"""Requests of a caller that wait; more of them stay in the socket."""
MOST_UNREAD_BYTES: Final = 64 << 20
"""What waits for a caller that does not read; beyond, the connection ends."""


class CallerConnection(asyncio.Protocol):
    """One caller."""

    session: CallerSettings

    def __init__(self, serve: Serve, framer: Framer, connections: set[CallerConnection]) -> None:
        self.session = CallerSettings()
        self._serve, self._framer, self._connections = serve, framer, connections
        self._requests: asyncio.Queue[Frame | MalformedError | None] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        self._is_refused = False
        self._is_read = asyncio.Event()
        self._is_read.set()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts to serve."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Queues what is complete."""
        if self._is_refused:
            return
        self._framer.feed(data)
        try:
            for frame in self._framer:
                self._requests.put_nowait(frame)
        except MalformedError as error:
            self._requests.put_nowait(error)
        # lightningd itself says so at the next `}`; a caller that never sends one learns it here.
        if (fault := self._framer.refused) is not None:
            self._requests.put_nowait(fault)
        if self._requests.qsize() >= MOST_WAITING and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The caller does not read; it gets no further command carried out until it does."""
        self._is_read.clear()

    def resume_writing(self) -> None:
        """The caller has read."""
        self._is_read.set()

    def eof_received(self) -> bool:
        """Keeps the way back open until all that was asked is answered."""
        self._requests.put_nowait(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """A command that runs goes on in its plugin; nobody takes the answer."""
        del exc
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def write(self, data: bytes) -> None:
        """Sends something to the caller, if it is still there."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            # Notices of a command that runs have no end.
            self.abort()
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Ends the connection after what waits to be written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection now: a caller that does not read must not hold anybody up."""
        if self._transport is not None:
            self._transport.abort()

    async def _run(self) -> None:
        while (request := await self._next()) is not None:
            if (fault := _refused(request)) is not None:
                await self._refuse(fault)
                break
            assert not isinstance(request, MalformedError)
            reply, delivery = await self._serve(request, self)
            if delivery is None:
                self.write(reply)
                continue
            await self._deliver(delivery.chunks(reply), delivery.pause)
            if delivery.hang_up_after is not None:
                break
        self.close()

    async def _refuse(self, fault: MalformedError) -> None:
        """What the caller sends behind it is dropped: to close at once would lose it the reply."""
        self._is_refused = True
        self.write(_malformed(fault))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
        while await self._next() is not None:
            pass

    async def _next(self) -> Frame | MalformedError | None:
        """Like lightningd: the next command waits until what came before it has been read."""
        await self._is_read.wait()
        request = await self._requests.get()
        if self._requests.empty() and self._transport is not None:
            self._transport.resume_reading()
        return request

    async def _deliver(self, chunks: list[bytes], pause: float) -> None:
        for chunk in chunks:
            self.write(chunk)
            await asyncio.sleep(pause)


def _refused(request: Frame | MalformedError) -> MalformedError | None:
    """Why lightningd refuses it, if its parser does."""
    if isinstance(request, MalformedError):
        return request
    return request.fault if request.is_refused else None


def _malformed(error: MalformedError) -> bytes:
    outbox = Outbox()
    outbox.error(b"null", INVALID_REQUEST, f"Invalid token in json input: {error}")
    return outbox.take()


class RpcSocket:
    """The listening end, a file that only its owner may use."""

    def __init__(self, path: Path, serve: Serve, framer: Callable[[], Framer]) -> None:
        self.path = path
        self._serve, self._framer = serve, framer
        self._connections: set[CallerConnection] = set()
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        """Starts to listen. Raises `HostError` if it cannot be done there."""
        if self._server is None:
            listener = _listener(self.path)
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(self._accept, sock=listener)

    def _accept(self) -> CallerConnection:
        return CallerConnection(self._serve, self._framer(), self._connections)

    @property
    def callers(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def hang_up(self) -> None:
        """Ends all connections at once."""
        for connection in list(self._connections):
            connection.abort()

    async def close(self) -> None:
        """Ends all connections and removes the file."""
        if self._server is None:
            return
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()
        self._server = None
        self.path.unlink(missing_ok=True)


def _listener(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with shortened(path) as name:
            listener.bind(name)
        # Nobody can connect before it listens, so nobody slips in before the mode is set.
        path.chmod(0o600)
    except OSError as error:
        listener.close()
        raise HostError(f"cannot open {path}: {error.strerror}") from None
    return listener


def _remove_stale(path: Path) -> None:
    """Removes what a daemon that was killed has left; a living one is left in peace."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, shortened(path) as name:
        if probe.connect_ex(name) == 0:
            raise HostError(f"another daemon listens at {path}")
    path.unlink()
