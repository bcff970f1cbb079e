"""A connection to the daemon's unix socket: one request goes out, its reply comes back."""

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


_OPEN: weakref.WeakSet[Connection] = weakref.WeakSet()

_UNBROKEN_BYTES: Final = 1 << 20
"""After so many bytes in one go others get their turn, and time-outs are noticed."""

_BEGINNING: Final = len('\n\n{"jsonrpc":')
"""Bytes. Who sends so much of a reply is no other program than the daemon."""


def opened(path: str) -> Steps[Connection]:
    """Connects. Raises `ConnectionLostError` if nobody listens at that path."""
    while True:
        try:
            return Connection(path, Stream(path))
        except BlockingIOError:
            yield QUEUE_IS_FULL
        except OSError as error:
            raise _lost(path, error, may_have_run=False) from error


class Connection:
    """An open connection."""

    __slots__ = ("__weakref__", "_end", "_fd", "_framer", "_path", "_stream", "shows_notices")

    shows_notices: bool
    """The daemon was asked for `message` and `progress` on it."""

    def __init__(self, path: str, stream: Stream) -> None:
        self._fd = stream.fileno()
        """For a forked child: there the stream may stay locked for ever."""
        _OPEN.add(self)
        self._path, self._stream, self._framer = path, stream, Framer()
        self._end = 0
        """Where the last whole message ended."""
        self.shows_notices = False

    def hang_up(self) -> None:
        """Ends it from another thread; who waits for a reply gets `ConnectionLostError`."""
        self._stream.hang_up()

    def forget(self, empty: int) -> None:
        """In a forked child: has the descriptor of an empty file take its descriptor's place."""
        if self._fd >= 0:
            os.dup2(empty, self._fd, inheritable=False)

    def close(self) -> None:
        """Ends it; nobody may be waiting on it."""
        self._fd = -1
        self._stream.close()

    def send(self, request: bytes) -> Steps[None]:
        """Raises `OSError` if the daemon has hung up."""
        sent = 0
        while sent < len(request):
            count = self._stream.send(request, sent)
            if count is None:
                yield Ready(self._stream.fileno(), for_writing=True)
            else:
                sent += count

    def reply(self, token: bytes, on_other: Callable[[Frame], None] | None = None) -> Steps[Frame]:
        """The reply with this id's token.

        What comes before it is `message` and `progress`: `on_other` may look at it. Raises
        `ConnectionLostError` if the daemon hangs up, or is none, and `ReplyError` for a reply that
        begins as one: what is no JSON in it is another plugin's result.
        """
        unbroken = 0
        count: int | None = 0
        while True:
            try:
                # Nothing but this call is under way here, so the next reply is as a rule its own.
                for frame in self._framer:
                    self._refuse_broken(frame, token)
                    self._end = frame.offset + len(frame.bytes)
                    if frame.id == token and frame.kind in ("reply", "malformed"):
                        return frame
                    if on_other is not None and frame.fault is None:
                        on_other(frame)
                # Only now: what has come already may be all that comes.
                if count is None or unbroken > _UNBROKEN_BYTES:
                    yield Ready(self._stream.fileno(), for_writing=False)
                    unbroken = 0
                count = self._receive()
            except (OSError, MalformedError) as error:
                raise self._broken(error, token) from error
            if count == 0:
                raise ConnectionLostError(
                    f"{self._path}: the daemon hung up before it answered", may_have_run=True
                )
            unbroken += count or 0

    def _broken(self, error: OSError | MalformedError, token: bytes) -> ClnwireError:
        is_reply = isinstance(error, MalformedError) and error.offset - self._end > _BEGINNING
        return _no_json(error, token) if is_reply else _lost(self._path, error, may_have_run=True)

    def _refuse_broken(self, frame: Frame, token: bytes) -> None:
        """Raises if it is no JSON, and no notification: only one reply is awaited.

        A raw tab or line break in a string passes: an invoice keeps a label that has one.
        """
        fault = frame.fault
        if fault is None or frame.method is not None:
            return
        if frame.id == token and fault.reason.startswith("unescaped control character"):
            return
        if frame.id == token or frame.bytes.startswith(b'{"jsonrpc":'):
            raise _no_json(fault, token)
        raise _lost(self._path, fault, may_have_run=True)

    def _receive(self) -> int | None:
        """Raises `MalformedError` for a message whose end may never come."""
        if (fault := self._framer.pending_fault) is not None:
            raise fault
        return self._stream.receive(self._framer)

    def lost(self, error: OSError) -> ConnectionLostError:
        """What a failed `send` means: part of the request may have arrived."""
        return _lost(self._path, error, may_have_run=True)


def _forget_all() -> None:
    """In a forked child: the connections are the parent's, also those that no pool has yet.

    Takes no lock. An empty file takes each descriptor's place, since the stream closes its number.
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
        f"{token.decode()}: the reply is no JSON, {error}; the command has been carried out"
    )


def _lost(path: str, error: Exception, *, may_have_run: bool) -> ConnectionLostError:
    number = error.errno if isinstance(error, OSError) else None
    reason = str(error) if number is None else os.strerror(number)
    return ConnectionLostError(f"{path}: {reason}", may_have_run=may_have_run)
