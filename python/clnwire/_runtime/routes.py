"""Routes for handlers: each combines a decoder, the function, an encoder and error handling."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from clnwire import _core
from clnwire._definition.requests import request_kind
from clnwire._definition.signature import with_contexts
from clnwire._runtime.log import author_frames, log_failure
from clnwire._runtime.stdio import HOW_TO_DEBUG
from clnwire._wire.codec import encode, encode_any
from clnwire.error_codes import INTERNAL_ERROR, PARSE_ERROR
from clnwire.errors import (
    NotAwaitedError,
    RpcError,
    describe_error,
    refuse_unawaited_result,
    sendable,
)
from clnwire.hooks._answers import RefusedError, answer_encoder, failing
from clnwire.hooks._spec import CONTINUE, refuse

if TYPE_CHECKING:
    from clnwire._definition.events import Hook, Subscription
    from clnwire._definition.methods import Method
    from clnwire._runtime.log import Log
    from clnwire._wire.dialect import Dialect
    from clnwire.hooks._spec import ErrorParts

Spawn = Callable[[_core.Job], object]
"""Starts a job in a task or in a thread."""


def bind_method(
    method: Method, driver: _core.Driver, log: Log, dialect: Dialect, spawn: Spawn | None
) -> _core.Route:
    """A method's route."""
    function = with_contexts(method.function, method.contexts, driver, request_kind(dialect))
    return _core.Route(
        method.name,
        decode=method.params.decode,
        call=method.params.bind(function),
        encode=encode_any,
        recover=lambda error, params: error_reply(method.name, error, log, method.function),
        spawn=spawn,
    )


def bind_hook(
    hook: Hook, driver: _core.Driver, log: Log, dialect: Dialect, spawn: Spawn | None
) -> _core.Route:
    """A hook's route, answering in the daemon's dialect."""
    spec = hook.spec
    bare_continue = encode(CONTINUE)
    encode_answer = answer_encoder(spec, dialect, log.warn)
    fail = failing(hook.on_failure, encode_answer)
    last_resort = fail(b"{}", f"{spec.name}: failed", bare_continue)

    def recover(error: BaseException, params: bytes) -> bytes | ErrorParts:
        reason = _reason(spec.name, error)
        answer_for = refuse if isinstance(error, RefusedError) else fail
        answer = answer_for(params, reason, bare_continue)
        # A failure to log must not keep the answer from the daemon.
        with contextlib.suppress(Exception):
            _log_failure(log, reason, error, hook.function)
        return answer

    return _core.Route(
        hook.name,
        decode=hook.decode,
        call=with_contexts(hook.function, hook.signature.contexts, driver, request_kind(dialect)),
        encode=encode_answer,
        recover=recover,
        constant=(CONTINUE, bare_continue) if spec.continues else None,
        translate=spec.translate,
        last_resort=last_resort if isinstance(last_resort, bytes) else None,
        spawn=spawn,
    )


def bind_subscription(
    subscription: Subscription, driver: _core.Driver, log: Log, spawn: Spawn | None
) -> _core.Route:
    """A subscription's route."""

    def failed(error: BaseException, params: bytes) -> bytes:
        _log_failure(log, _reason(subscription.topic, error), error, subscription.function)
        return b"null"

    return _core.Route(
        subscription.topic,
        decode=subscription.decode,
        call=with_contexts(subscription.function, subscription.signature.contexts, driver),
        encode=refuse_unawaited_result,
        recover=failed,
        spawn=spawn,
    )


def error_reply(
    method: str, error: BaseException, log: Log, function: Callable[..., object] | None = None
) -> ErrorParts:
    """The code, message and encoded data of an error reply.

    Exceptions other than `RpcError` are logged, except for malformed JSON of the caller's.
    """
    if isinstance(error, RpcError) and _is_code(error.code):
        return error.code, sendable(error.message), _encoded_data(method, error, log)
    reason = _reason(method, error)
    if _is_from_caller(error):
        # A mistake of the caller's; the plugin's log does not need it.
        return PARSE_ERROR, reason, None
    with contextlib.suppress(Exception):
        _log_failure(log, reason, error, function)
    return INTERNAL_ERROR, reason, None


def _is_code(code: object) -> bool:
    """Whether it fits in the core's type for codes, a signed 64-bit integer."""
    return isinstance(code, int) and -(2**63) <= code < 2**63


def _encoded_data(method: str, error: RpcError, log: Log) -> bytes | None:
    if error.data is None:
        return None
    try:
        return encode_any(error.data)
    except BaseException as failure:
        # The caller still gets the code and the message.
        reason = describe_error(failure)
        log.error(f"{method}: the data of error {sendable(error.message)!r} is left out: {reason}")
        return None


def _log_failure(
    log: Log, reason: str, error: BaseException, function: Callable[..., object] | None
) -> None:
    if isinstance(error, RefusedError) or _is_from_caller(error) or _is_cancelled(error):
        log.error(reason)
    else:
        log_failure(log, reason, error, function)


def _is_from_caller(error: BaseException) -> bool:
    """Whether the caller's message is malformed JSON. Only those errors have a `near`."""
    return isinstance(error, _core.MalformedError) and bool(error.near)


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, RefusedError):
        return f"{name}: refused: {sendable(error)}"
    if _is_from_caller(error):
        return f"{name}: the caller sent malformed JSON: {error}"
    if isinstance(error, msgspec.DecodeError):
        return f"{name}: the daemon's message cannot be decoded: {sendable(error)}"
    if _is_cancelled(error):
        return f"{name}: CancelledError: cancelled before it was done"
    if isinstance(error, NotAwaitedError) and author_frames(error.__traceback__) is None:
        # clnwire has raised it for the handler's result.
        return f"{name}: returned {sendable(error)}"
    if type(error).__module__ == "bdb":
        return f"{name}: {describe_error(error)}: {HOW_TO_DEBUG}"
    return f"{name}: {describe_error(error)}"


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is asyncio's `CancelledError`. Does not import asyncio, which takes long."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
