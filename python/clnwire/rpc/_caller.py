"""The state that the blocking and the awaitable form of one client share."""

from __future__ import annotations

import os
import threading
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from clnwire._wire.codec import encode, encode_any
from clnwire.errors import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import msgspec

    from clnwire._core import Frame
    from clnwire.rpc._call import CallOptions, OnMessage, OnProgress
    from clnwire.rpc._pool import ConnectionPool
    from clnwire.rpc._waiting import Steps

C = TypeVar("C", bound="Client")
Params: TypeAlias = "Mapping[str, Any] | Sequence[Any] | msgspec.Struct | None"

MAX_CONNECTIONS: Final = 16
"""The default limit of open connections. lightningd serves all of them on one thread, so more
connections let more commands wait there and do not run them faster."""

_numbers = count(1)
_CALLERS: weakref.WeakSet[RpcCaller] = weakref.WeakSet()
_fork_suffix = ""
"""A suffix for call ids in a forked child. `_numbers` continues from the same value in parent and
child, so without it their ids would collide."""


class CallOrigin(NamedTuple):
    """A call's destination, the parts of its id, and what is known of its caller."""

    path: str
    """The path of the daemon's socket; empty before `init`."""
    name: str
    """The calling program's name, a part of the call's id."""
    prefix: str | None = None
    """The id of the request whose handler makes the call: the prefix of the call's id."""
    is_handler: bool = False
    """Whether the daemon may be waiting for the caller."""
    waits: AbstractContextManager[None] | None = None
    """Entered before the call's first step and left after its last one."""


class BeforeCall(Protocol):
    """Called before each call; raises to refuse the call."""

    def __call__(self, method: str, *, blocking: bool) -> CallOrigin:
        """The origin of the call."""
        ...


class RpcCaller:
    """A client of one daemon: its connections and the ids of its calls."""

    def __init__(self, before_call: BeforeCall, max_connections: int = MAX_CONNECTIONS) -> None:
        self._before_call = before_call
        self._max_connections = max_connections
        self._opening = threading.RLock()
        self._pool: ConnectionPool | None = None
        _CALLERS.add(self)

    def steps(
        self,
        method: str,
        params: bytes,
        options: CallOptions | None,
        trim: object,
        *,
        blocking: bool,
    ) -> Steps[Frame]:
        """The steps of one call. Raises the exceptions of `BeforeCall`, and `NotReadyError`."""
        origin = self._before_call(method, blocking=blocking)
        if not origin.path:
            raise NotReadyError(
                "rpc is not available before init; use it in a handler or in on_init"
            )
        # Imported here so that a plugin without calls starts faster.
        from clnwire.rpc._call import NO_OPTIONS, RpcCall
        from clnwire.rpc._text import request_text

        own = f"{origin.name}{_fork_suffix}"
        name = f"{origin.prefix}/{own}" if origin.prefix else own
        token = encode(f"{name}:{method}#{next(_numbers)}")
        filter_text = None if trim is None else encode_any(trim)
        request = request_text(token, method, params, filter_text)
        call = RpcCall(origin.path, method, token, request, options or NO_OPTIONS)
        steps = call.steps(self._opened_pool(), may_exceed=origin.is_handler)
        return steps if origin.waits is None else _within(steps, origin.waits)

    def hang_up(self) -> None:
        """Closes all connections; calls in flight raise `ConnectionLostError`."""
        if self._pool is not None:
            self._pool.hang_up()

    def forget(self) -> None:
        """Runs in a forked child: drops the pool and its locks, which belong to the parent."""
        pool, self._pool = self._pool, None
        self._opening = threading.RLock()
        if pool is not None:
            pool.forget()

    def _opened_pool(self) -> ConnectionPool:
        if self._pool is None:
            from clnwire.rpc._pool import ConnectionPool

            with self._opening:
                self._pool = self._pool or ConnectionPool(self._max_connections)
        return self._pool


def _within(steps: Steps[Frame], waits: AbstractContextManager[None]) -> Steps[Frame]:
    with waits:
        return (yield from steps)


def _become_child() -> None:
    global _fork_suffix  # noqa: PLW0603
    _fork_suffix = f"[{os.getpid()}]"
    for caller in [*_CALLERS]:
        caller.forget()


os.register_at_fork(after_in_child=_become_child)


def params_text(params: Params) -> bytes:
    """The params as JSON text. Raises `TypeError` or `ValueError` if JSON cannot express them."""
    return b"{}" if params is None else encode_any(params)


class Client:
    """What the blocking and the awaitable form have in common: the caller, and its settings."""

    def __init__(self, caller: RpcCaller, options: CallOptions | None = None) -> None:
        self._caller, self._options = caller, options

    def options(
        self: C,
        *,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> C:
        """The same client with other settings: `rpc.options(timeout=5).getinfo()`.

        `timeout`: seconds after which a call raises `CallTimeoutError`. `on_message(text, level)`
        and `on_progress(done, total, stage)` are called with the daemon's `message` and `progress`
        notifications before the reply; if one raises, the call raises the same. Settings that are
        not given stay as they were. Raises `UsageError` for a time-out that is not positive.
        """
        chosen = self._with(timeout, on_message, on_progress)
        return type(self)(self._caller, chosen)

    def _with(
        self,
        timeout: float | None,
        on_message: OnMessage | None,
        on_progress: OnProgress | None,
    ) -> CallOptions | None:
        """The settings, with the arguments that are not `None` in their place."""
        if timeout is None and on_message is None and on_progress is None:
            return self._options
        from clnwire.rpc._call import NO_OPTIONS, CallOptions

        present = self._options or NO_OPTIONS
        return CallOptions(
            present.timeout if timeout is None else timeout,
            on_message or present.on_message,
            on_progress or present.on_progress,
        )
