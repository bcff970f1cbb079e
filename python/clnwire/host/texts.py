"""The JSON texts that the host puts together, and the results that it takes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import json

from clnwire.errors import INVALID_REQUEST, RpcError

if TYPE_CHECKING:
    from clnwire._core import Frame
    from clnwire.host.commands import Command
    from clnwire.host.plugin import Plugin

_encode = json.Encoder().encode


def text_of(value: object) -> bytes:
    """A value's JSON text; `bytes` and `msgspec.Raw` are such text, and left as they are."""
    if isinstance(value, (bytes, msgspec.Raw)):
        return bytes(value)
    return _encode(value)


def custom_notification(topic: str, origin: str, params: bytes) -> bytes:
    """A notification that a plugin has published, as the others get it."""
    return b'{"jsonrpc":"2.0","method":%s,"origin":%s,"params":%s}\n\n' % (
        _encode(topic),
        _encode(origin),
        params,
    )


def rpc_command_event(command: Command) -> bytes:
    """The event of the hook `rpc_command`: the caller's own text, if there is one."""
    if command.frame is not None:
        return b'{"rpc_command":%s}' % command.frame.bytes
    return b'{"rpc_command":{"jsonrpc":"2.0","id":%s,"method":%s,"params":%s}}' % (
        command.token or b"null",
        _encode(command.method),
        command.params,
    )


def started_event(plugin: Plugin) -> bytes:
    """The event of the topic `plugin_started`."""
    methods = list(plugin.manifest.methods)
    return _encode(
        {"plugin_name": plugin.name, "plugin_path": str(plugin.path), "methods": methods}
    )


def result_of(reply: Frame) -> Any:
    """The result of a reply, decoded. Raises `RpcError` if it has none."""
    if reply.result is not None:
        return json.decode(reply.result)
    if reply.error is None:
        raise RpcError(INVALID_REQUEST, "the reply has neither result nor error")
    raise rpc_error(reply.error)


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


def rpc_error(text: bytes) -> RpcError:
    """The exception that stands for the member `error` of a reply."""
    try:
        error = json.decode(text, type=_Error)
    except msgspec.ValidationError:
        return RpcError(INVALID_REQUEST, f"an error that is none: {text.decode()}")
    return RpcError(error.code, error.message, error.data)
