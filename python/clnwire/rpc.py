"""Calls of the daemon's own commands, over its unix socket."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from clnwire import _core
from clnwire.codec import encode, encode_any
from clnwire.errors import NotReadyError, RpcError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clnwire.connection import Connection

_numbers = count(1)


class BeforeCall(Protocol):
    """What is asked before each call."""

    def __call__(self, method: str, *, blocking: bool) -> tuple[str | None, bool]: ...


class Rpc:
    """The daemon's commands: `plugin.rpc.call("getinfo")`.

    One connection is kept open for the handlers, and one for all other threads, which take turns:
    so a handler never waits for a thread whose command the daemon answers only after the handler.
    `before_call` is told the method. It gives the call's id prefix, and whether a handler calls;
    and it may refuse the call by raising.
    """

    def __init__(self, before_call: BeforeCall) -> None:
        self._before_call = before_call
        self._path, self._name = "", ""
        self._handlers, self._others = _Caller(), _Caller()

    def use(self, path: str, name: str) -> None:
        """Where the socket is, and who calls: known from `init` on."""
        self._path, self._name = path, name

    def call(self, method: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Calls a command and waits for its result, decoded to dicts and lists.

        Raises `RpcError` with the daemon's code, message and data; `NotReadyError` before `init`;
        `DeadlockError` where the daemon waits for this very handler; `ConnectionLostError` if the
        daemon cannot be reached or hangs up.
        """
        prefix, from_handler = self._before_call(method, blocking=True)
        if not self._path:
            raise NotReadyError("rpc is there from init on; use it in a handler or in on_init")
        caller = self._handlers if from_handler else self._others
        name = f"{prefix}/{self._name}" if prefix else self._name
        body = encode_any({} if params is None else params)
        return _result(caller.call(self._path, name, method, body))

    def close(self) -> None:
        """Hangs up; who waits for a reply gets `ConnectionLostError`."""
        self._handlers.close()
        self._others.close()


class _Caller:
    """Calls one after another over a connection that is opened when it is needed, and again when
    it broke."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def call(self, path: str, name: str, method: str, params: bytes) -> _core.Frame:
        with self._lock:
            token = encode(f"{name}:{method}#{next(_numbers)}")
            outbox = _core.Outbox()
            outbox.request(token, method, params)
            try:
                return self._sent(path, outbox.take()).reply(token)
            except BaseException:
                # Whatever interrupted the call, its reply would come to the next one.
                self.close()
                raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _sent(self, path: str, request: bytes) -> Connection:
        if self._connection is not None:
            try:
                self._connection.send(request)
            except OSError:
                # The daemon hung up since the last call: it has not read this one, so it may be
                # sent again.
                self.close()
            else:
                return self._connection
        # A plugin that never calls the daemon does not pay for sockets.
        from clnwire.connection import Connection

        connection = self._connection = Connection(path)
        try:
            connection.send(request)
        except OSError as error:
            raise connection.lost(error) from error
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
