"""Calls of the daemon's own commands, over its unix socket."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire.codec import encode, encode_any
from clnwire.errors import NotReadyError, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from clnwire.connection import Connection


class _ErrorObject(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class Rpc:
    """The daemon's commands: `plugin.rpc.call("getinfo")`.

    One connection is kept open, and opened again when it broke. Calls from several threads take
    turns. `before_call` gives the call's id prefix and may refuse the call by raising.
    """

    def __init__(self, name: str, before_call: Callable[[], str | None]) -> None:
        self._name = name
        self._before_call = before_call
        self._path = ""
        self._lock = threading.Lock()
        self._calls = 0
        self._connection: Connection | None = None

    def use(self, path: str, name: str) -> None:
        """Where the socket is, and who calls: known from `init` on."""
        self._path, self._name = path, name

    def call(self, method: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Calls a command and waits for its result, decoded to dicts and lists.

        Raises `RpcError` with the daemon's code, message and data; `NotReadyError` before `init`;
        `DeadlockError` in a `db_write` handler; `ConnectionLostError` if the daemon cannot be
        reached or hangs up.
        """
        prefix = self._before_call()
        if not self._path:
            raise NotReadyError("rpc is there from init on; use it in a handler or in on_init")
        body = encode_any({} if params is None else params)
        with self._lock:
            self._calls += 1
            call_id = f"{self._name}:{method}#{self._calls}"
            token = encode(f"{prefix}/{call_id}" if prefix else call_id)
            return _result(self._exchange(token, method, body))

    def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, token: bytes, method: str, params: bytes) -> _core.Frame:
        outbox = _core.Outbox()
        outbox.request(token, method, params)
        request = outbox.take()
        try:
            return self._sent(request).reply(token)
        except BaseException:
            # Whatever interrupted the wait, the reply would come to the next call.
            self.close()
            raise

    def _sent(self, request: bytes) -> Connection:
        kept = self._connection
        if kept is not None:
            try:
                kept.send(request)
            except OSError:
                # The daemon had hung up since the last call: what it has not read, it has not run.
                self.close()
            else:
                return kept
        connection = self._connection = self._open()
        try:
            connection.send(request)
        except OSError as error:
            raise connection.lost(error) from error
        return connection

    def _open(self) -> Connection:
        # A plugin that never calls the daemon needs no sockets.
        from clnwire.connection import Connection

        return Connection(self._path)


def _result(reply: _core.Frame) -> Any:
    if reply.error is not None:
        error = msgspec.json.decode(reply.error, type=_ErrorObject)
        raise RpcError(error.code, error.message, error.data)
    return None if reply.result is None else msgspec.json.decode(reply.result)
