"""Calls of the daemon's own commands, over its unix socket."""

from __future__ import annotations

import contextlib
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire.codec import encode, encode_any
from clnwire.errors import ConnectionLostError, NotReadyError, RpcError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

_READ_BYTES = 256 << 10
_numbers = count(1)


class Rpc:
    """The daemon's commands: `plugin.rpc.call("getinfo")`.

    One connection is kept open for the handlers, and one for all other threads, which take turns:
    so a handler never waits for a thread whose command the daemon answers only after the handler.
    `before_call` is told the method. It gives the call's id prefix, and whether a handler calls;
    and it may refuse the call by raising.
    """

    def __init__(self, before_call: Callable[[str], tuple[str | None, bool]]) -> None:
        self._before_call = before_call
        self._path, self._name = "", ""
        self._handlers, self._others = _Connection(), _Connection()

    def use(self, path: str, name: str) -> None:
        """Where the socket is, and who calls: known from `init` on."""
        self._path, self._name = path, name

    def call(self, method: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Calls a command and waits for its result, decoded to dicts and lists.

        Raises `RpcError` with the daemon's code, message and data; `NotReadyError` before `init`;
        `DeadlockError` where the daemon waits for this very handler; `ConnectionLostError` if the
        daemon cannot be reached or hangs up.
        """
        prefix, from_handler = self._before_call(method)
        if not self._path:
            raise NotReadyError("rpc is there from init on; use it in a handler or in on_init")
        connection = self._handlers if from_handler else self._others
        name = f"{prefix}/{self._name}" if prefix else self._name
        body = encode_any({} if params is None else params)
        return _result(connection.call(self._path, name, method, body))

    def close(self) -> None:
        """Hangs up; who waits for a reply gets `ConnectionLostError`."""
        self._handlers.close()
        self._others.close()


class _Connection:
    """One connection to the daemon's socket, opened when it is needed and again when it broke."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._framer = _core.Framer()

    def call(self, path: str, name: str, method: str, params: bytes) -> _core.Frame:
        with self._lock:
            token = encode(f"{name}:{method}#{next(_numbers)}")
            outbox = _core.Outbox()
            outbox.request(token, method, params)
            try:
                return self._exchange(path, token, outbox.take())
            except (OSError, _core.MalformedError) as error:
                self.close()
                raise ConnectionLostError(f"{path}: {error}", may_have_run=True) from error
            except BaseException:
                # Whatever interrupted the call, its reply would come to the next one.
                self.close()
                raise

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is None:
            return
        import socket

        with contextlib.suppress(OSError):  # the daemon may have been first
            # Wakes the thread that waits for a reply.
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _exchange(self, path: str, token: bytes, request: bytes) -> _core.Frame:
        reused = self._socket
        connection = reused or self._connect(path)
        try:
            connection.sendall(request)
        except OSError:
            if reused is None:
                raise
            # The daemon hung up since the last call: it has not read this one, so it may be sent
            # again.
            self.close()
            connection = self._connect(path)
            connection.sendall(request)
        return self._reply(connection, token)

    def _reply(self, connection: socket.socket, token: bytes) -> _core.Frame:
        while True:
            for frame in self._framer:
                # Others are `message` and `progress`.
                if frame.kind == "reply" and frame.id == token:
                    return frame
            data = connection.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("the daemon hung up before it answered")
            self._framer.feed(data)

    def _connect(self, path: str) -> socket.socket:
        import socket  # a plugin that never calls does not pay for it

        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            raise ConnectionLostError(f"{path}: {error}", may_have_run=False) from error
        self._socket, self._framer = connection, _core.Framer()
        return connection


class _ErrorObject(msgspec.Struct):
    code: int = 0
    message: Any = ""
    data: Any = None


def _result(reply: _core.Frame) -> Any:
    if reply.error not in (None, b"null"):
        error = msgspec.json.decode(reply.error, type=_ErrorObject)
        raise RpcError(error.code, str(error.message), error.data)
    return None if reply.result is None else msgspec.json.decode(reply.result)
