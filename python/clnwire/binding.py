"""Handlers to routes: decoder, call, encoder and what to do on failure, put together once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import _core
from clnwire.codec import encode_any
from clnwire.errors import INTERNAL_ERROR, ClnwireError, RpcError, UsageError
from clnwire.hooks._catalogue import hook_spec
from clnwire.hooks._spec import CONTINUE, Refuse
from clnwire.notifications._catalogue import NATIVE, topic_event
from clnwire.signature import event_parameter, read_signature, with_contexts

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.dialect import Dialect
    from clnwire.hooks._spec import HookSpec
    from clnwire.logs import Log
    from clnwire.methods import Method
    from clnwire.signature import Signature

ErrorParts = tuple[int, str, bytes | None]


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
    ) -> None:
        self.name, self.function = name, function
        self.before, self.after, self.filters = before, after, filters
        self.spec = hook_spec(name)
        if filters and not self.spec.filters:
            raise UsageError(f"hook '{name}' takes no filters; rpc_command and custommsg do")
        self.signature = read_signature(function, f"hook '{name}'")
        self.decode = _decoder(self.signature, self.spec.event, self.spec.decode, f"hook '{name}'")


class Subscription:
    """A subscription as it was registered."""

    def __init__(self, topic: str, function: Callable[..., object]) -> None:
        self.topic, self.function = topic, function
        what = f"subscription to '{topic}'"
        self.signature = read_signature(function, what)
        event, decode = topic_event(topic) or (None, None)
        self.decode = _decoder(self.signature, event, decode, what)
        if topic not in NATIVE:
            self.decode = _unwrapping(self.decode)


def bind_method(method: Method, driver: _core.Driver, log: Log) -> _core.Route:
    """A method's route."""
    function = with_contexts(method.function, method.contexts, driver)
    return _core.Route(
        method.name,
        decode=method.params.decode,
        call=method.params.bind(function),
        encode=encode_any,
        recover=lambda error, params: error_reply(method.name, error, log),
    )


def bind_hook(hook: Hook, driver: _core.Driver, log: Log, dialect: Dialect) -> _core.Route:
    """A hook's route, answering in the daemon's dialect."""
    encode = hook.spec.encoder(dialect)
    route = _core.Route(
        hook.name,
        decode=hook.decode,
        call=with_contexts(hook.function, hook.signature.contexts, driver),
        encode=_checked(hook.spec, encode),
        recover=lambda error, params: _safe_answer(hook.spec, error, params, log),
    )
    route.set_constant(CONTINUE, encode(CONTINUE))
    return route


def bind_subscription(subscription: Subscription, driver: _core.Driver, log: Log) -> _core.Route:
    """A subscription's route."""

    def failed(error: BaseException, params: bytes) -> bytes:
        log.exception(f"{subscription.topic}: {_explain(error)}", error)
        return b"null"

    return _core.Route(
        subscription.topic,
        decode=subscription.decode,
        call=with_contexts(subscription.function, subscription.signature.contexts, driver),
        recover=failed,
    )


def error_reply(method: str, error: BaseException, log: Log) -> ErrorParts:
    """What the caller is told. Anything but `RpcError` is the plugin's failure, and logged."""
    if isinstance(error, RpcError):
        try:
            data = None if error.data is None else encode_any(error.data)
        except (TypeError, ValueError) as failure:
            log.error(f"{method}: the data of {error!r} cannot be encoded: {failure}")
            data = None
        return error.code, error.message, data
    log.exception(f"{method}: {_explain(error)}", error)
    return INTERNAL_ERROR, f"{method}: {_explain(error)}", None


def _safe_answer(
    spec: HookSpec, error: BaseException, params: bytes, log: Log
) -> bytes | ErrorParts:
    reason = f"{spec.name}: {_explain(error)}"
    if isinstance(error, _RefusedError):
        log.error(f"{spec.name}: refused: {error}")
        reason = f"{spec.name}: refused: {error}"
    else:
        log.exception(reason, error)
    answer: bytes | ErrorParts = spec.safe(params, reason)
    return answer


def _explain(error: BaseException) -> str:
    if isinstance(error, msgspec.DecodeError):
        return f"the event cannot be decoded: {error}"
    if isinstance(error, ClnwireError):
        return str(error)
    return f"{type(error).__name__}: {error}"


class _RefusedError(Exception):
    """The handler answered `Refuse`."""


def _checked(spec: HookSpec, encode: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Encodes answers, and raises for what the daemon could not take as one."""
    permitted = spec.answers

    def encode_answer(answer: Any) -> bytes:
        if type(answer) in permitted:
            if isinstance(answer, Refuse):
                raise _RefusedError(answer.reason)
            return encode(answer)
        if answer is None:
            raise UsageError(
                "the handler returned None; it must return an answer, such as CONTINUE"
            )
        if permitted:
            names = ", ".join(kind.__name__ for kind in permitted)
            raise UsageError(f"the handler returned {answer!r}; permitted are {names}")
        return _encode_free(answer)

    return encode_answer


def _encode_free(answer: Any) -> bytes:
    """An answer to a hook whose answers have no types: an object, in whatever form."""
    if isinstance(answer, Refuse):
        raise _RefusedError(answer.reason)
    encoded = encode_any(answer)
    if not encoded.startswith(b"{"):
        raise UsageError(f"the handler returned {answer!r}; an answer is an object")
    return encoded


def _decoder(signature: Signature, event: Any, decode: Any, what: str) -> Any:
    """`bytes` → what the handler's parameter wants; `None` if it wants the bytes."""
    wanted = event_parameter(signature, what)
    if wanted is bytes:
        return None
    if wanted is msgspec.Raw:
        return msgspec.Raw
    if event is not None and wanted in (Any, event):
        return decode or msgspec.json.Decoder(event).decode
    try:
        return msgspec.json.Decoder(wanted).decode
    except TypeError as error:
        raise UsageError(f"{what}: the event cannot be decoded to {wanted}: {error}") from None


def _unwrapping(decode: Callable[[bytes], object] | None) -> Callable[[bytes], object]:
    """Other plugins' payloads, which older daemons wrapped in `{"origin", "payload"}`."""

    def unwrap(payload: bytes) -> object:
        inner = _custom_payload(payload) if payload.startswith(b'{"origin"') else payload
        return inner if decode is None else decode(inner)

    return unwrap


def _custom_payload(payload: bytes) -> bytes:
    members = dict(_core.members(payload))
    return members["payload"] if members.keys() == {"origin", "payload"} else payload
