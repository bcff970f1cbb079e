"""Encoding a request as JSON text, and decoding the reply to it."""

import threading
from typing import Any, cast

import msgspec

from clnwire import _core
from clnwire._core import Frame
from clnwire._wire.codec import UNDECODABLE
from clnwire.errors import ReplyError, RpcError

ENABLING_TOKEN = b'"clnwire:notifications"'


def request_text(token: bytes, method: str, params: bytes, trim: bytes | None = None) -> bytes:
    """A request with its terminator. All arguments are JSON text; `trim` becomes `filter`."""
    outbox = _core.Outbox()
    outbox.request(token, method, params)
    text = outbox.take()
    if trim is None:
        return text
    return b'%s,"filter":%s}\n\n' % (text.rstrip()[:-1], trim)


def enabling_text(token: bytes = ENABLING_TOKEN) -> bytes:
    """The request that turns on `message` and `progress` on a connection."""
    return request_text(token, "notifications", b'{"enable":true}')


def result_of(method: str, reply: Frame, kind: Any) -> Any:
    """The reply's result as `kind`. Raises `RpcError`, and `ReplyError` if it does not fit."""
    error = reply.error
    if error is not None and error != b"null":
        raise _refusal(error)
    span = reply.result_span
    # A view avoids a copy: a result can have 100 MB.
    result = memoryview(b"null" if span is None else reply.bytes)
    text = result if span is None else result[span[0] : span[1]]
    try:
        return decoder(kind).decode(text)
    except UNDECODABLE:
        return _decoded_again(method, bytes(text), kind)


def _decoded_again(method: str, text: bytes, kind: Any) -> Any:
    """Decodes a result that msgspec refuses, e.g. for a lone surrogate in an invoice's label or for
    amounts as strings (`"10msat"`), which daemons before v23.11 send."""
    from clnwire._wire import tolerant
    from clnwire._wire.older import with_amounts

    try:
        value = tolerant.loads(text)
        try:
            return tolerant.convert(value, kind)
        except msgspec.ValidationError:
            return with_amounts(value, kind)
    except (ValueError, *UNDECODABLE) as problem:
        hint = ", which an older daemon may not send" if "missing required" in str(problem) else ""
        raise ReplyError(
            f"{method}: the reply is not as expected: {problem}{hint}; rpc.call('{method}', ...) "
            "without a type accepts any"
        ) from problem


def _refusal(text: bytes) -> RpcError:
    """Converts the `error` member of a reply to the exception to raise.

    The daemon passes on other plugins' errors unchanged, so the member may be any JSON value. If it
    has no integer `code`, the exception has code 0 and the whole value as `data`.
    """
    from clnwire._wire import tolerant

    error = tolerant.loads(text)
    if not isinstance(error, dict):
        return RpcError(0, str(error), error)
    parts = cast("dict[str, Any]", error)
    code, message, data = parts.get("code"), parts.get("message", ""), parts.get("data")
    if isinstance(code, float) and code.is_integer():
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        code, data = 0, parts
    return RpcError(code, message if isinstance(message, str) else repr(message), data)


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_building = threading.Lock()


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """The cached decoder for a type. Thread-safe."""
    built = _decoders.get(kind)
    if built is None:
        # msgspec fills in a Struct's type information on first use, without a lock. If two threads
        # do so at once, one uses the other's unfinished information and the process crashes.
        with _building:
            built = _decoders[kind] = _decoders.get(kind) or msgspec.json.Decoder(kind)
    return built
