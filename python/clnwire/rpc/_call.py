"""One call as a sequence of steps, shared by blocking and awaiting callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from clnwire.errors import CallTimeoutError, UsageError
from clnwire.rpc._connection import opened
from clnwire.rpc._text import decoder, enabling_text
from clnwire.rpc._waiting import ExpiredError

if TYPE_CHECKING:
    from clnwire._core import Frame
    from clnwire.rpc._connection import RpcConnection
    from clnwire.rpc._pool import ConnectionPool
    from clnwire.rpc._waiting import Steps


OnMessage: TypeAlias = Callable[[str, str], Any]
"""Called as `(text, level)` for each `message` notification before the reply."""
OnProgress: TypeAlias = Callable[[int, int, "tuple[int, int] | None"], Any]
"""Called as `(done, total, stage)` for each `progress` notification before the reply.

`stage` is `(index from 0, number of stages)`, or `None`."""


LONGEST_TIMEOUT: Final = 100.0 * 365 * 86_400
"""Seconds: a century. Longer time-outs, `inf` included, would overflow clocks; they mean none."""


class CallOptions(msgspec.Struct, frozen=True):
    """Settings of a call."""

    timeout: float | None = None
    """Seconds; `None` is no time-out. More than `LONGEST_TIMEOUT` is stored as `None`."""
    on_message: OnMessage | None = None
    on_progress: OnProgress | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"timeout: must be more than 0 seconds, not {self.timeout}")
        if self.timeout is not None and self.timeout > LONGEST_TIMEOUT:
            msgspec.structs.force_setattr(self, "timeout", None)

    def notices(self) -> Callable[[Frame], None] | None:
        """The function for frames that precede the reply; `None` if no callback is set."""
        if self.on_message is None and self.on_progress is None:
            return None
        return self._show

    def _show(self, frame: Frame) -> None:
        if frame.params is None:
            return
        if frame.method == "message" and self.on_message is not None:
            message = decoder(_SeenMessage).decode(frame.params)
            self.on_message(message.message, message.level)
        elif frame.method == "progress" and self.on_progress is not None:
            progress = decoder(_Progress).decode(frame.params)
            stage = progress.stage
            self.on_progress(
                progress.num, progress.total, None if stage is None else (stage.num, stage.total)
            )


NO_OPTIONS: Final = CallOptions()


class _SeenMessage(msgspec.Struct):
    message: str = ""
    level: str = "info"


class _Step(msgspec.Struct):
    num: int = 0
    total: int = 0


class _Progress(_Step):
    stage: _Step | None = None


class RpcCall:
    """A call's request, its settings, and its state: connection, and whether it may have run."""

    def __init__(
        self, path: str, method: str, token: bytes, request: bytes, options: CallOptions
    ) -> None:
        self._path, self._method, self._token = path, method, token
        self._request, self._options = request, options
        self._connection: RpcConnection | None = None
        self._may_have_run = False

    def steps(self, pool: ConnectionPool, *, may_exceed: bool) -> Steps[Frame]:
        """The steps from acquiring a connection to the reply.

        `may_exceed`: open a connection beyond the pool's limit instead of waiting for a free one.

        A call that fails, expires or is closed closes its connection: otherwise the next call on
        it would read this call's late reply. Raises `ConnectionLostError`, `CallTimeoutError`, and
        `ReplyError` if the reply is not JSON.
        """
        try:
            self._connection = yield from pool.acquire(may_exceed=may_exceed)
        except ExpiredError:
            raise self._expired("no connection was free") from None
        try:
            connection = yield from self._sent(pool)
            reply = yield from connection.reply(self._token, self._options.notices())
        except ExpiredError:
            pool.drop(self._connection)
            raise self._expired("there was no reply") from None
        except BaseException:
            pool.drop(self._connection)
            raise
        pool.release(connection)
        return reply

    def _sent(self, pool: ConnectionPool) -> Steps[RpcConnection]:
        connection = self._connection
        if connection is not None and connection.path != self._path:
            # A call of an earlier run has returned it after that run's end.
            pool.discard(connection)
            connection = self._connection = None
        if connection is not None:
            try:
                yield from self._send(connection)
            except OSError:
                # The daemon closed this idle connection, so it has not read the whole request:
                # sending the request again cannot run the command twice.
                pool.discard(connection)
                self._connection, self._may_have_run = None, False
            else:
                return connection
        connection = self._connection = pool.opened((yield from opened(self._path)))
        try:
            yield from self._send(connection)
        except OSError as error:
            raise connection.lost(error) from error
        return connection

    def _send(self, connection: RpcConnection) -> Steps[None]:
        self._may_have_run = True
        if self._options.notices() is None or connection.shows_notices:
            yield from connection.send(self._request)
        else:
            yield from connection.send(enabling_text() + self._request)
            connection.shows_notices = True

    def _expired(self, problem: str) -> CallTimeoutError:
        outcome = "it may have been carried out" if self._may_have_run else "it was not sent"
        return CallTimeoutError(
            f"{self._method}: {problem} within {self._options.timeout:g} s; {outcome}",
            may_have_run=self._may_have_run,
        )
