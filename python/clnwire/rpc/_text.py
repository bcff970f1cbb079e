"""A call as JSON text, and what its reply says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire.errors import ReplyError, RpcError

if TYPE_CHECKING:
    from clnwire._core import Frame

ENABLING_TOKEN = b'"clnwire:notifications"'


def request_text(token: bytes, method: str, params: bytes, trim: bytes | None = None) -> bytes:
    """A request; `trim` is its `filter`. All of them are JSON text."""
    outbox = _core.Outbox()
    outbox.request(token, method, params)
    text = outbox.take()
    if trim is None:
        return text
    return b'%s,"filter":%s}\n\n' % (text.rstrip()[:-1], trim)


def enabling_text(token: bytes = ENABLING_TOKEN) -> bytes:
    """The request that turns on `message` and `progress` on a connection."""
    return request_text(token, "notifications", b'{"enable":true}')


class _ErrorObject(msgspec.Struct):
    code: int = 0
    message: Any = ""
    data: Any = None


def result_of(method: str, reply: Frame, kind: Any) -> Any:
    """The reply's result, decoded. Raises `RpcError`, and `ReplyError` if it does not fit."""
    error = reply.error
    if error not in (None, b"null"):
        refusal = decoder(_ErrorObject).decode(error)
        raise RpcError(refusal.code, str(refusal.message), refusal.data)
    span = reply.result_span
    # A view: the result may be most of 100 MB.
    result = memoryview(b"null" if span is None else reply.bytes)
    try:
        return decoder(kind).decode(result if span is None else result[span[0] : span[1]])
    except msgspec.DecodeError as problem:
        raise ReplyError(
            f"{method}: the reply is not as expected: {problem}; rpc.call('{method}', ...) without "
            "a type takes any"
        ) from problem


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_building = threading.Lock()


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """The decoder for a type, built when it is first needed; from any thread."""
    built = _decoders.get(kind)
    if built is None:
        # msgspec must not look at one Struct on two threads at the same time for the first time:
        # the second would take what the first has not finished, and the process would crash.
        with _building:
            built = _decoders[kind] = _decoders.get(kind) or msgspec.json.Decoder(kind)
    return built
