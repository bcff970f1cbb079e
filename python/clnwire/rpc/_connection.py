"""A connection to the daemon's unix socket; it carries one request at a time."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final

from clnwire._core import Framer, MalformedError, Stream
from clnwire.errors import ConnectionLostError, ReplyError
from clnwire.rpc._waiting import QUEUE_IS_FULL, Ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Frame
    from clnwire.errors import ClnwireError
    from clnwire.rpc._waiting import Steps


_OPEN: weakref.WeakSet[RpcConnection] = weakref.WeakSet()

_BYTES_BEFORE_YIELD: Final = 1 << 20
"""After receiving more than this many bytes without a wait, `reply` yields once, so that other
tasks run and the call's deadline is checked."""

_PREFIX_BYTES: Final = len('\n\n{"jsonrpc":')
"""Bytes. A fault further than this into a message is a broken reply of lightningd's (`ReplyError`);
an earlier one means that the peer is not lightningd (`ConnectionLostError`)."""


def opened(path: str) -> Steps[RpcConnection]:
    """Connects. Raises `ConnectionLostError` if no process listens at `path`."""
    while True:
        try:
            return RpcConnection(path, Stream(path))
        except BlockingIOError:
            yield QUEUE_IS_FULL
        except OSError as error:
            raise _lost(path, error, may_have_run=False) from error


class RpcConnection:
    """An open connection."""

    __slots__ = ("__weakref__", "_end", "_fd", "_framer", "_stream", "path", "shows_notices")

    path: str
    """The daemon's socket."""
    shows_notices: bool
    """The daemon has been asked to send `message` and `progress` on this connection."""

    def __init__(self, path: str, stream: Stream) -> None:
        self._fd = stream.fileno()
        """Used by `forget`: in a forked child the lock of `_stream` may be held for ever."""
        _OPEN.add(self)
        self.path, self._stream, self._framer = path, stream, Framer()
        self._end = 0
        """The offset in the stream at which the last whole message ended."""
        self.shows_notices = False

    def hang_up(self) -> None:
        """Shuts the socket down; a waiting call raises `ConnectionLostError`. Thread-safe."""
        self._stream.hang_up()

    def forget(self, empty: int) -> None:
        """Runs in a forked child: makes the descriptor a copy of `empty`, which is `/dev/null`."""
        if self._fd >= 0:
            os.dup2(empty, self._fd, inheritable=False)

    def close(self) -> None:
        """Closes the socket. No thread or task may be waiting on it."""
        self._fd = -1
        self._stream.close()

    def send(self, request: bytes) -> Steps[None]:
        """Sends the whole request. Raises `OSError` if the daemon has hung up."""
        sent = 0
        while sent < len(request):
            count = self._stream.send(request, sent)
            if count is None:
                yield Ready(self._stream.fileno(), for_writing=True)
            else:
                sent += count

    def reply(self, token: bytes, on_other: Callable[[Frame], None] | None = None) -> Steps[Frame]:
        """The reply whose id is `token`.

        `on_other` is called with each frame before it (`message` and `progress`). Raises
        `ConnectionLostError` if the daemon hangs up or the peer is not lightningd, and
        `ReplyError` if lightningd's reply is not JSON: it passes on other plugins' results as
        they are.
        """
        since_yield = 0
        count: int | None = 0
        while True:
            # One request at a time is in flight on a connection, so the next reply is its own.
            while (frame := self._next_frame(token)) is not None:
                self._refuse_malformed(frame, token)
                self._end = frame.offset + len(frame.bytes)
                if frame.id == token and frame.kind in ("reply", "malformed"):
                    return frame
                if on_other is not None and frame.fault is None:
                    on_other(frame)
            try:
                # Wait only after the buffered frames are handled: the daemon may send no more.
                if count is None or since_yield > _BYTES_BEFORE_YIELD:
                    yield Ready(self._stream.fileno(), for_writing=False)
                    since_yield = 0
                count = self._receive()
            except (OSError, MalformedError) as error:
                raise self._failure(error, token) from error
            if count == 0:
                raise ConnectionLostError(
                    f"{self.path}: the daemon hung up before it answered", may_have_run=True
                )
            since_yield += count or 0

    def _failure(self, error: OSError | MalformedError, token: bytes) -> ClnwireError:
        is_reply = isinstance(error, MalformedError) and error.offset - self._end > _PREFIX_BYTES
        return _no_json(error, token) if is_reply else _lost(self.path, error, may_have_run=True)

    def _refuse_malformed(self, frame: Frame, token: bytes) -> None:
        """Raises for a malformed frame that is not a notification: it is the only reply in flight.
        Raw control characters in strings are accepted: invoice labels may have them."""
        fault = frame.fault
        if fault is None or frame.method is not None:
            return
        if frame.id == token and fault.reason.startswith("unescaped control character"):
            return
        if frame.id == token or frame.bytes.startswith(b'{"jsonrpc":'):
            raise _no_json(fault, token)
        raise _lost(self.path, fault, may_have_run=True)

    def _next_frame(self, token: bytes) -> Frame | None:
        """The next whole message of those received."""
        try:
            return next(self._framer, None)
        except MalformedError as error:
            raise self._failure(error, token) from error

    def _receive(self) -> int | None:
        """Receives bytes; `None` if there are none yet, 0 at the end of the stream. Raises
        `MalformedError` for an unfinished message that has a fault: its end may never come."""
        if (fault := self._framer.pending_fault) is not None:
            raise fault
        return self._stream.receive(self._framer)

    def lost(self, error: OSError) -> ConnectionLostError:
        """The exception for a failed `send`: part of the request may have arrived."""
        return _lost(self.path, error, may_have_run=True)


def _forget_all() -> None:
    """Runs in a forked child: detaches all connections, also those that no pool holds yet.

    They belong to the parent. Takes no lock, since another thread may have held it at the fork.
    Each descriptor is redirected to `/dev/null` and not closed, because its `Stream` will close
    the same number later.
    """
    if not (connections := [*_OPEN]):
        return
    empty = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for connection in connections:
        connection.forget(empty)
    os.close(empty)


os.register_at_fork(after_in_child=_forget_all)


def _no_json(error: Exception, token: bytes) -> ReplyError:
    return ReplyError(
        f"{token.decode()}: the reply is not JSON: {error}; the command has been carried out"
    )


def _lost(path: str, error: Exception, *, may_have_run: bool) -> ConnectionLostError:
    number = error.errno if isinstance(error, OSError) else None
    reason = str(error) if number is None else os.strerror(number)
    return ConnectionLostError(f"{path}: {reason}", may_have_run=may_have_run)
