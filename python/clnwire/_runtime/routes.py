"""Handlers to routes: decoder, call, encoder and what to do on failure, put together once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire._definition.functions import is_async, must_not_be_awaited
from clnwire._definition.requests import request_kind
from clnwire._definition.signature import (
    event_parameter,
    read_signature,
    refuse_async_in_thread,
    with_contexts,
)
from clnwire._runtime.debugging import HOW_TO_DEBUG
from clnwire._runtime.log import has_foreign_frames
from clnwire._wire.codec import encode, encode_any
from clnwire._wire.older import event_decoder
from clnwire.error_codes import INTERNAL_ERROR, PARSE_ERROR
from clnwire.errors import NotAwaitedError, RpcError, UsageError, describe_error, sendable
from clnwire.hooks._answers import RefusedError, answer_encoder, failing, on_failure_of
from clnwire.hooks._catalogue import hook_spec
from clnwire.hooks._safe import refuse
from clnwire.hooks._spec import CONTINUE
from clnwire.notifications._catalogue import topic_spec

if TYPE_CHECKING:
    from clnwire._definition.methods import Method
    from clnwire._definition.signature import Signature
    from clnwire._runtime.log import Log
    from clnwire._wire.dialect import Dialect
    from clnwire.hooks._spec import ErrorParts, HookSpec
    from clnwire.notifications._spec import TopicSpec

Later = Callable[[_core.Job], object]
"""Takes a message whose handler runs in a task or a thread."""


class Hook:
    """A hook as it was registered."""

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        *,
        before: list[str],
        after: list[str],
        filters: list[str | int],
        on_failure: object = None,
        thread: bool = False,
    ) -> None:
        self.name, self.function, self.thread = name, function, thread
        self.is_async = is_async(function)
        refuse_async_in_thread(function, f"hook '{name}'", thread=thread)
        self.before, self.after, self.filters = before, after, filters
        self.spec = hook_spec(name)
        if filters and not self.spec.filters:
            raise UsageError(f"hook '{name}' takes no filters; rpc_command and custommsg do")
        self.on_failure = on_failure_of(self.spec, on_failure)
        self.signature = read_signature(function, f"hook '{name}'")
        self.decode = _decoder(self.signature, self.spec, f"hook '{name}'")


class Subscription:
    """A subscription as it was registered."""

    def __init__(
        self, topic: str, function: Callable[..., object], *, thread: bool = False
    ) -> None:
        self.topic, self.function, self.thread = topic, function, thread
        what = f"subscription to '{topic}'"
        self.is_async = is_async(function)
        refuse_async_in_thread(function, what, thread=thread)
        self.signature = read_signature(function, what)
        spec = topic_spec(topic)
        self.topics = (topic,) if spec is None else spec.names
        """All the names under which daemons publish it."""
        self.decode = _decoder(self.signature, spec, what)


def bind_method(
    method: Method, driver: _core.Driver, log: Log, dialect: Dialect, later: Later | None
) -> _core.Route:
    """A method's route."""
    function = with_contexts(method.function, method.contexts, driver, request_kind(dialect))
    return _core.Route(
        method.name,
        decode=method.params.decode,
        call=method.params.bind(function),
        encode=encode_any,
        recover=lambda error, params: error_reply(method.name, error, log),
        later=later,
    )


def bind_hook(
    hook: Hook, driver: _core.Driver, log: Log, dialect: Dialect, later: Later | None
) -> _core.Route:
    """A hook's route, answering in the daemon's dialect."""
    spec = hook.spec
    bare_continue = encode(CONTINUE)
    encode_answer = answer_encoder(spec, dialect, log.warn)
    fail = failing(hook.on_failure, encode_answer)
    at_last = fail(b"{}", f"{spec.name}: failed", bare_continue)

    def recover(error: BaseException, params: bytes) -> bytes | ErrorParts:
        reason = _reason(spec.name, error)
        wanted = refuse if isinstance(error, RefusedError) else fail
        answer = wanted(params, reason, bare_continue)
        # Whatever becomes of the log, the daemon gets its answer.
        with contextlib.suppress(Exception):
            _log_failure(log, reason, error)
        return answer

    return _core.Route(
        hook.name,
        decode=hook.decode,
        call=with_contexts(hook.function, hook.signature.contexts, driver, request_kind(dialect)),
        encode=encode_answer,
        recover=recover,
        constant=(CONTINUE, bare_continue) if spec.continues else None,
        translate=spec.translate,
        last_resort=at_last if isinstance(at_last, bytes) else None,
        later=later,
    )


def bind_subscription(
    subscription: Subscription, driver: _core.Driver, log: Log, later: Later | None
) -> _core.Route:
    """A subscription's route."""

    def failed(error: BaseException, params: bytes) -> bytes:
        _log_failure(log, _reason(subscription.topic, error), error)
        return b"null"

    return _core.Route(
        subscription.topic,
        decode=subscription.decode,
        call=with_contexts(subscription.function, subscription.signature.contexts, driver),
        encode=must_not_be_awaited,
        recover=failed,
        later=later,
    )


def error_reply(method: str, error: BaseException, log: Log) -> ErrorParts:
    """What the caller is told. Anything but `RpcError` is the plugin's failure, and logged."""
    if isinstance(error, RpcError) and _is_code(error.code):
        return error.code, sendable(error.message), _encoded_data(method, error, log)
    reason = _reason(method, error)
    if _is_callers(error):
        # The caller's mistake, and told to the caller alone.
        return PARSE_ERROR, reason, None
    with contextlib.suppress(Exception):
        _log_failure(log, reason, error)
    return INTERNAL_ERROR, reason, None


def _is_code(code: object) -> bool:
    """Whether it fits where the core keeps codes."""
    return isinstance(code, int) and -(2**63) <= code < 2**63


def _encoded_data(method: str, error: RpcError, log: Log) -> bytes | None:
    if error.data is None:
        return None
    try:
        return encode_any(error.data)
    except BaseException as failure:
        # Whatever is wrong with it, the caller gets the rest.
        reason = describe_error(failure)
        log.error(f"{method}: the data of the error {sendable(error.message)!r}: {reason}")
        return None


def _log_failure(log: Log, reason: str, error: BaseException) -> None:
    if isinstance(error, RefusedError) or _is_callers(error) or _is_plain(error):
        log.error(reason)
    else:
        log.exception(reason, error)


def _is_callers(error: BaseException) -> bool:
    """Whether the message itself is no JSON; only that error has the text around the fault."""
    return isinstance(error, _core.MalformedError) and bool(error.near)


def _reason(name: str, error: BaseException) -> str:
    if isinstance(error, RefusedError):
        return f"{name}: refused: {sendable(error)}"
    if _is_callers(error):
        return f"{name}: what the caller sent is no JSON: {error}"
    if isinstance(error, msgspec.DecodeError):
        return f"{name}: what the daemon sent cannot be decoded: {sendable(error)}"
    if _is_cancelled(error):
        return f"{name}: CancelledError: cancelled before it was done"
    if _is_returned(error):
        return f"{name}: returned {sendable(error)}"
    if type(error).__module__ == "bdb":
        return f"{name}: {describe_error(error)}: {HOW_TO_DEBUG}"
    return f"{name}: {describe_error(error)}"


def _is_plain(error: BaseException) -> bool:
    """Whether a traceback would say nothing more."""
    return _is_returned(error) or _is_cancelled(error)


def _is_returned(error: BaseException) -> bool:
    """Whether it is about the handler's result: the author's code has none of its frames."""
    return isinstance(error, NotAwaitedError) and not has_foreign_frames(error.__traceback__)


def _is_cancelled(error: BaseException) -> bool:
    """A plugin that has no use for asyncio does not import it."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _decoder(signature: Signature, spec: HookSpec | TopicSpec | None, what: str) -> Any:
    """`bytes` → what the handler's parameter wants; `None` if it wants the bytes."""
    wanted = event_parameter(signature, what)
    if wanted is bytes:
        return _reading(spec, None)
    if wanted is msgspec.Raw:
        return _reading(spec, msgspec.Raw)
    if spec is not None and spec.event is not None and wanted in (Any, spec.event):
        return spec.decoder()
    try:
        return _reading(spec, event_decoder(wanted))
    except TypeError as error:
        raise UsageError(f"{what}: the event cannot be decoded to {wanted}: {error}") from None


def _reading(
    spec: HookSpec | TopicSpec | None, decode: Callable[[bytes], object] | None
) -> Callable[[bytes], object] | None:
    """The decoder, given the text as the daemon reads it."""
    read: Callable[[bytes], bytes] | None = getattr(spec, "read", None)
    if read is None or decode is None:
        return decode or read
    return lambda text: decode(read(text))
