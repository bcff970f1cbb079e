"""Encodes the host's messages and events, and decodes replies."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire._wire import tolerant
from clnwire._wire.codec import encode
from clnwire.error_codes import INVALID_REQUEST
from clnwire.errors import RpcError
from clnwire.host.rules.decoding import UndecodableError, as_object, decoded

if TYPE_CHECKING:
    from clnwire._core import Frame
    from clnwire.host.commands.commands import HostCommand
    from clnwire.host.journal import LogEntry


def text_of(value: object) -> bytes:
    """A value's JSON text. `bytes` and `msgspec.Raw` already are JSON text and are not encoded."""
    if isinstance(value, (bytes, msgspec.Raw)):
        return bytes(value)
    return encode(value)


def custom_notification(topic: str, origin: str, params: bytes) -> bytes:
    """A plugin's notification `topic`, as its subscribers receive it."""
    return b'{"jsonrpc":"2.0","method":%s,"origin":%s,"params":%s}\n\n' % (
        encode(topic),
        encode(origin),
        params,
    )


def log_event(entry: LogEntry, source: str, level: str, nanoseconds: int) -> bytes:
    """The event of the topics `log` and `warning`; `nanoseconds` is Unix time."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return encode(
        {
            "level": level,
            "time": f"{seconds}.{rest:09}",
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z",
            "source": source,
            "log": entry.message,
        }
    )


def rpc_command_event(command: HostCommand) -> bytes:
    """The event of the hook `rpc_command`.

    A request from the socket keeps the caller's members in their order, even if they are no JSON;
    as in the daemon, white space between them is removed.
    """
    if command.frame is not None:
        given = _members(command.frame)
        if given is not None:
            return b'{"rpc_command":{%s}}' % b",".join(b"%s:%s" % member for member in given)
    return b'{"rpc_command":{"jsonrpc":"2.0","id":%s,"method":%s,"params":%s}}' % (
        command.token or b"null",
        encode(command.method),
        command.params,
    )


def _members(request: Frame) -> list[tuple[bytes, bytes]] | None:
    """The members of a request, or `None` where what is no JSON hides their ends."""
    try:
        given = tolerant.members(request.bytes)
    except ValueError:
        return None
    texts = dict(reversed(given))
    return given if texts.get(b'"params"', request.params) == request.params else None


def result_of(reply: Frame) -> Any:
    """The decoded result. Raises `RpcError` for an error or no result, and `UndecodableError`."""
    if reply.result is not None:
        return decoded(reply.result)
    if reply.error is None:
        raise RpcError(INVALID_REQUEST, "the reply has neither result nor error")
    raise rpc_error(reply.error)


def rpc_error(text: bytes) -> RpcError:
    """The exception for the member `error` of a reply."""
    try:
        error = as_object(decoded(text)) or {}
    except UndecodableError as undecodable:
        return RpcError(INVALID_REQUEST, f"the error {undecodable}")
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        return RpcError(INVALID_REQUEST, f"an error without code or message: {text.decode()}")
    return RpcError(code, message, error.get("data"))
