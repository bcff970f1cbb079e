"""A message of the daemon, which its handler may answer later, from any thread, or never."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from clnwire.pyln.encoding import dumps, dumps_id

if TYPE_CHECKING:
    from types import CodeType, FrameType

    Places: TypeAlias = "list[tuple[CodeType, int]]"


INVALID_REQUEST: Final = -32600
"""The code of all errors but those of `RpcException`."""


class RequestState(Enum):
    """Whether a request has its answer."""

    PENDING = "pending"
    FINISHED = "finished"
    FAILED = "failed"


PENDING: Final = RequestState.PENDING


class RpcException(Exception):
    """Raised by a method to answer with this message and code."""

    def __init__(self, message: str, code: int = INVALID_REQUEST) -> None:
        self.code = code
        self.message = message
        super().__init__(f"RpcException: {message}")


class _Slots(dict[str, Any]):
    """Making a dict for the attributes takes as long as all else that a request takes."""

    __slots__ = (
        "__dict__",
        "_answered_at",
        "background",
        "exc",
        "id",
        "method",
        "origin",
        "params",
        "plugin",
        "result",
        "state",
    )


class Request(_Slots):
    """A request or notification. As a dict it is empty; `params` has the parameters."""

    __slots__ = ()

    def __init__(
        self,
        plugin: Any,
        req_id: Any,
        method: str,
        params: Any,
        background: bool = False,
        origin: str | None = None,
    ) -> None:
        self.plugin = plugin
        self.id = req_id
        """`None` for a notification."""
        self.method = method
        self.params = params
        self.background = background
        self.origin = origin
        """The plugin that sent a notification."""
        self.state = PENDING
        self._answered_at: Places | None = None

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """What `vars` shows and `copy` takes: the plugin's own attributes, and all others."""
        names = (name for name in _Slots.__slots__[2:] if hasattr(self, name))
        members = super().__dict__
        members.update({name: getattr(self, name) for name in names})
        return members

    @property
    def termination_tb(self) -> str | None:
        """The stack of the call that answered the request; `None` before."""
        if self._answered_at is None or self.state is PENDING:
            return None
        from traceback import StackSummary

        lines = ((_Place(code), line) for code, line in reversed(self._answered_at))
        return "".join(StackSummary.extract(lines, lookup_lines=False).format())  # type: ignore[arg-type]

    @property
    def _is_awaited(self) -> bool:
        """Whether the daemon waits for what the handler returns."""
        return self.id is not None and not self.background and self.state == RequestState.PENDING

    def getattr(self, key: str) -> Any:
        """`params`, `id` or `method`. Raises `ValueError` for others."""
        if key not in ("params", "id", "method"):
            raise ValueError(f'Cannot get attribute "{key}" on Request')
        return getattr(self, key)

    def set_result(self, result: Any) -> None:
        """Answers with a value that JSON has. Raises `ValueError` if it has been answered."""
        self._check_pending("result")
        self.result = result
        if self.plugin._has_short_way and type(self)._write_result is _WRITE_RESULT:
            token = dumps_id(self.id)
            reply = f'{{"jsonrpc": "2.0", "id": {token}, "result": {dumps(result)}}}\n\n'
            self.plugin._send_reply(reply.encode())
        else:
            self._write_result({"jsonrpc": "2.0", "id": self.id, "result": result})
        self._end(RequestState.FINISHED)

    def set_exception(self, exc: Exception) -> None:
        """Answers with an error. Raises `ValueError` if it has been answered."""
        from traceback import format_exc

        self._check_pending("exception")
        self.exc = exc
        code, message = INVALID_REQUEST, f"Error while processing {self.method}: {exc}"
        if isinstance(exc, RpcException):
            code, message = exc.code, exc.message
        error = {"code": code, "message": message, "traceback": format_exc()}
        self._write_result({"jsonrpc": "2.0", "id": self.id, "error": error})
        self._end(RequestState.FAILED)

    def notify(self, message: str, level: str = "info") -> None:
        """Sends a message to the caller of this request."""
        self._notify("message", {"id": self.id, "level": level, "message": message})

    def progress(
        self, progress: int, total: int, stage: int | None = None, stage_total: int | None = None
    ) -> None:
        """Tells the caller how far it is, in parts of `total`; with stages, also in which."""
        params = {"id": self.id, "num": progress, "total": total}
        if stage is not None and stage_total is not None:
            params["stage"] = {"num": stage, "total": stage_total}
        self._notify("progress", params)

    def _notify(self, method: str, params: Any) -> None:
        self._write_result({"jsonrpc": "2.0", "params": params, "method": method})

    def _write_result(self, result: dict[str, Any]) -> None:
        self.plugin._write_locked(result)

    def _check_pending(self, what: str) -> None:
        if self.state is not PENDING:
            raise ValueError(
                f"Cannot set the {what} of a request that is not pending, current state is "
                f"{self.state}. Request previously terminated at\n{self.termination_tb}"
            )

    def _end(self, state: RequestState) -> None:
        self.state = state
        if self._answered_at is None:
            self._answered_at = places(sys._getframe(2))  # pyright: ignore[reportPrivateUsage]


_WRITE_RESULT: Final = Request._write_result  # pyright: ignore[reportPrivateUsage]
"""A plugin may replace it."""


def places(frame: FrameType | None) -> Places:
    """Where a frame and its callers are. Looking up the lines takes longer than all the rest."""
    found: Places = []
    while frame is not None:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return found


class _Place:
    """What `traceback` needs to know of a frame."""

    def __init__(self, code: CodeType) -> None:
        self.f_code = code
        self.f_globals: dict[str, Any] = {}
        self.f_locals: dict[str, Any] = {}
