"""A blocking connection to a daemon's unix socket: one request goes out, its reply comes back."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from clnwire._core import Framer, MalformedError
from clnwire.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Frame

_READ_BYTES = 256 << 10


class Connection:
    """Opened at once. Raises `ConnectionLostError` if nobody listens at that path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._framer = Framer()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise self._lost(error.strerror or str(error), may_have_run=False) from error

    def close(self) -> None:
        """Hangs up; a thread that waits for a reply gets `ConnectionLostError`."""
        with contextlib.suppress(OSError):  # the daemon may have been first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def send(self, request: bytes) -> None:
        """Raises `OSError` if the daemon has hung up."""
        self._socket.sendall(request)

    def reply(self, token: bytes, on_other: Callable[[Frame], None] | None = None) -> Frame:
        """Waits for the reply with this id's token.

        What comes before it is `message` and `progress`, or answers a call that was given up:
        `on_other` may look at it. Raises `ConnectionLostError` if the daemon hangs up.
        """
        try:
            while True:
                for frame in self._framer:
                    if frame.kind == "reply" and frame.id == token:
                        return frame
                    if on_other is not None:
                        on_other(frame)
                self._framer.feed(self._received())
        except (OSError, MalformedError) as error:
            raise self._lost(str(error), may_have_run=True) from error

    def lost(self, error: OSError) -> ConnectionLostError:
        """What a failed `send` means: part of the request may have arrived."""
        return self._lost(str(error), may_have_run=True)

    def _received(self) -> bytes:
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise self._lost("the daemon hung up before it answered", may_have_run=True)
        return data

    def _lost(self, reason: str, *, may_have_run: bool) -> ConnectionLostError:
        return ConnectionLostError(f"{self._path}: {reason}", may_have_run=may_have_run)
