"""The client of the daemon's commands, with pyln-client's interface."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from clnwire._core import Framer
from clnwire.pyln import transport
from clnwire.pyln.commands import add_commands
from clnwire.pyln.connections import CHANGE_THEIRS, Connections
from clnwire.pyln.encoding import dumps, loads, old_json_default, to_json_default
from clnwire.pyln.millisatoshi import Millisatoshi
from clnwire.pyln.unix_socket import UnixSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = [
    "LightningRpc",
    "Millisatoshi",
    "RpcError",
    "UnixDomainSocketRpc",
    "UnixSocket",
    "old_json_default",
    "to_json_default",
]

LOST: Final = "Connection to RPC server lost."
IN_DB_WRITE: Final = (
    "The daemon waits for db_write and would never answer: call it after the hook, or from another "
    "plugin."
)
IN_RPC_COMMAND: Final = (
    "The daemon would ask this plugin's rpc_command hook first, and never get an answer: give the "
    "hook filters that leave the command out, or call from another thread."
)
SEPARATOR: Final = b"\n\n"
FIRST: Final = 1 << 14
"""Bytes that are received of a reply at first: memory for more takes longer than a small reply."""
FURTHER: Final = 1 << 18


class RpcError(ValueError):
    """The daemon has answered with an error, or has hung up."""

    def __init__(self, method: str, payload: Any, error: Any) -> None:
        super().__init__(f"RPC call failed: method: {method}, payload: {payload}, error: {error}")
        self.method = method
        self.payload = payload
        self.error = error
        """The daemon's error object, or a text."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.method, self.payload, self.error)


class UnixDomainSocketRpc:
    """Calls commands by name: `rpc.getinfo()`, `rpc.call("getinfo")`. Threads may share it."""

    def __init__(
        self,
        socket_path: Any,
        executor: Any = None,
        logger: Any = logging,
        caller_name: str | None = None,
    ) -> None:
        self.socket_path = socket_path
        self.executor = executor
        self.logger = logger
        if caller_name is None:
            caller_name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        self.caller_name = caller_name
        self._prefix: Any = None
        self.next_id = 1
        self._notify: Callable[..., Any] | None = None
        self._filter: Any = None
        self._connections = Connections()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        method = name.replace("_", "-")

        def command(*args: Any, **kwargs: Any) -> Any:
            if args and kwargs:
                raise RpcError(method, kwargs, "Cannot mix positional and non-positional arguments")
            return self.call(method, payload=args or kwargs)

        return command

    @property
    def cmdprefix(self) -> Any:
        """Precedes the ids of calls: in a handler the id of the message, unless it is set there."""
        client, prefix, _ = transport.handling.get()
        return prefix if client is self else self._prefix

    @cmdprefix.setter
    def cmdprefix(self, prefix: Any) -> None:
        client, _, request = transport.handling.get()
        if client is self:
            transport.handling.set((self, prefix, request))
        else:
            self._prefix = prefix

    def get_json_id(self, method: str, cmdprefix: Any) -> str:
        """The id of the next call."""
        own = f"{self.caller_name}:{method}#{self.next_id}"
        prefix = self.cmdprefix if cmdprefix is None else cmdprefix
        return f"{prefix}/{own}" if prefix else own

    def call(
        self, method: str, payload: Any = None, cmdprefix: Any = None, filter: Any = None
    ) -> Any:
        """Calls a command and returns its result. `filter` says which members to return.

        Raises `RpcError`, `ValueError` for a malformed reply, and `OSError` if no daemon is there.
        """
        self.logger.debug("Calling %s with payload %r", method, payload)
        if payload is None:
            payload = {}
        if isinstance(payload, dict):
            given = cast("dict[str, Any]", payload)
            payload = {name: value for name, value in given.items() if value is not None}
        if (why := self._why_it_hangs(method)) is not None:
            raise RpcError(method, payload, why)
        this_id = self.get_json_id(method, cmdprefix)
        self.next_id += 1
        request = {"jsonrpc": "2.0", "method": method, "params": payload, "id": this_id}
        chosen = self._filter if filter is None else filter
        if chosen is not None:
            request["filter"] = chosen
        reply = self._exchange(request)
        self.logger.debug("Received response for %s call: %r", method, reply)
        return _result(reply, this_id, method, payload)

    def _exchange(self, request: dict[str, Any]) -> Any:
        shares = self._notify is None and request["method"] not in CHANGE_THEIRS and self._is_plain
        connection = self._sent(request) if shares else None
        is_sent, may_keep = connection is not None, False
        if connection is None:
            connection = UnixSocket(self.socket_path)
        try:
            rest = b"" if is_sent else self._begin(connection, request)
            reply, rest = self._answer(connection, request, rest)
            may_keep = shares and not rest and reply.get("id") == request["id"]
            return reply
        finally:
            if may_keep:
                self._connections.keep(connection)
            else:
                connection.close()

    @property
    def _is_plain(self) -> bool:
        """Whether no subclass or plugin has its own way to write and read."""
        kind, own = type(self), self.__dict__
        return (
            kind._writeobj is UnixDomainSocketRpc._writeobj
            and kind._readobj is UnixDomainSocketRpc._readobj
            and "_writeobj" not in own
            and "_readobj" not in own
        )

    def _sent(self, request: dict[str, Any]) -> UnixSocket | None:
        """The kept connection that the request was sent on, if there is one."""
        kept = self._connections.take(UnixSocket, self.socket_path)
        try:
            if kept is not None:
                self._writeobj(kept, request)
        except ConnectionError:
            # Closed meanwhile: the daemon has not read the end of the request, so did nothing.
            kept = None
        return kept

    def _begin(self, connection: UnixSocket, request: dict[str, Any]) -> Any:
        rest: Any = b""
        if self._notify is not None:
            asked = {"jsonrpc": "2.0", "method": "notifications"}
            asked["id"] = request["id"] + "+notify-enable"
            self._writeobj(connection, {**asked, "params": {"enable": True}})
            _, rest = self._readobj(connection, rest)
        self._writeobj(connection, request)
        return rest

    def _answer(self, connection: UnixSocket, request: dict[str, Any], rest: Any) -> Any:
        while True:
            reply, rest = self._readobj(connection, rest)
            if self._notify is not None and reply.get("method") in ("message", "progress"):
                self._tell(reply, request)
            elif reply.get("method") is None or reply.get("id") is None:
                return reply, rest

    def _tell(self, notice: dict[str, Any], request: dict[str, Any]) -> None:
        assert self._notify is not None
        params = notice["params"]
        progress = params if notice["method"] == "progress" else params.get("progress")
        self._notify(message=params.get("message"), progress=progress, request=request)

    def _why_it_hangs(self, method: str) -> str | None:
        """Why the daemon would never answer a call in this context, if that is certain."""
        client, _, request = transport.handling.get()
        if request is None or getattr(client, "socket_path", None) != self.socket_path:
            return None
        if request.method == "db_write" and request._is_awaited:
            return IN_DB_WRITE
        return IN_RPC_COMMAND if request.plugin._would_ask_itself(method) else None

    def _writeobj(self, sock: Any, obj: Any) -> None:
        sock.sendall(dumps(obj).encode())

    def _readobj(self, sock: Any, buff: Any = b"") -> tuple[Any, Any]:
        """A message, and what has been received behind it."""
        frames = buff if isinstance(buff, _Frames) else _Frames(buff)
        return frames.next(sock), frames if frames.more else b""

    @contextmanager
    def notify(self, fn: Callable[..., Any]) -> Generator[None]:
        """Calls `fn(message=, progress=, request=)` with what commands report within the block."""
        before, self._notify = self._notify, fn
        try:
            yield
        finally:
            self._notify = before

    @contextmanager
    def reply_filter(self, filter: Any) -> Generator[None]:
        """Has commands return these members only within the block."""
        before, self._filter = self._filter, filter
        try:
            yield
        finally:
            self._filter = before


class _Frames:
    """What a connection has received."""

    def __init__(self, received: bytes) -> None:
        self._framer = Framer()
        self._last = received
        if received:
            self._framer.feed(received)

    @property
    def more(self) -> bool:
        """Whether more than a blank line has come behind the last message."""
        waits = self._framer.buffered
        return waits > len(SEPARATOR) or (waits > 0 and not self._last.endswith(SEPARATOR))

    def next(self, sock: Any) -> Any:
        length = FIRST
        while True:
            for frame in self._framer:
                return loads(frame.bytes)
            data = sock.recv(length)
            length = FURTHER
            if not data:
                return {"error": LOST}
            self._framer.feed(data)
            self._last = data


def _result(reply: Any, this_id: str, method: str, payload: Any) -> Any:
    if not isinstance(reply, dict):
        raise TypeError(f"Malformed response, response is not a dictionary {reply}.")
    reply = cast("dict[str, Any]", reply)
    if "id" in reply and reply["id"] != this_id:
        raise ValueError(f"Malformed response, id is not {this_id}: {reply}.")
    if "error" in reply:
        raise RpcError(method, payload, reply["error"])
    if "result" not in reply:
        raise ValueError('Malformed response, "result" missing.')
    return reply["result"]


class LightningRpc(UnixDomainSocketRpc):
    """The same, with each command as a method."""

    def __init__(self, socket_path: Any, executor: Any = None, logger: Any = logging) -> None:
        super().__init__(socket_path, executor, logger)

    def getpeer(self, peer_id: Any, level: Any = None) -> Any:
        """The first of `listpeers`, or `None`."""
        reply = self.call("listpeers", {"id": peer_id, "level": level})
        return (reply.get("peers") and reply["peers"][0]) or None


add_commands(LightningRpc)
