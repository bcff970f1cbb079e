"""`Request` and `Notification`: handlers' access to the message that they handle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clnwire._definition.current import handled
from clnwire._wire.codec import encode
from clnwire._wire.levels import COMMON_LEVELS, CURRENT_LEVELS, check_level
from clnwire.errors import IdError, UsageError, sendable

if TYPE_CHECKING:
    from clnwire._core import Driver
    from clnwire._wire.dialect import Dialect
    from clnwire._wire.levels import LogLevel
    from clnwire.messages import Message, Progress


class Request:
    """The method call or hook call that is being handled.

    A handler receives it by having a parameter of this type.
    """

    __slots__ = ("_driver", "_key", "method", "token")

    token: str
    """The id's exact text, as the daemon sent it."""
    method: str
    """The name of the method or hook."""

    def __init__(self, driver: Driver) -> None:
        current = handled(driver)
        if current is None or current.key is None or current.token is None:
            raise UsageError("no request is being handled")
        self._driver = driver
        self._key, self.method = current.key, current.method
        self.token = current.token.decode()

    @property
    def id(self) -> str | int | float | None:
        """The request's id, decoded. `token` is its JSON text."""
        from clnwire._wire import tolerant

        value: str | int | float | None = tolerant.loads(self.token.encode())
        return value

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Sends a `message` notification: a line of text for the caller.

        The daemon passes it on only if the caller has enabled notifications. Raises `UsageError`
        once the request is answered, and for a level that the daemon does not know.
        """
        from clnwire.messages.message import Message

        check_level(level)
        self._send("message", Message(self._raw_token(), CURRENT_LEVELS[level], sendable(text)))

    def progress(self, done: int, total: int, *, stage: tuple[int, int] | None = None) -> None:
        """Sends a `progress` notification: `done` of `total` steps are complete.

        `stage` is `(index from 0, number of stages)`. Raises `UsageError` once the request is
        answered, and if `done` is not between 0 and `total`.
        """
        from clnwire.messages.progress import Progress, Stage, check_progress

        check_progress(done, total)
        position = None
        if stage is not None:
            check_progress(*stage)
            position = Stage(*stage)
        self._send("progress", Progress(self._raw_token(), done, total, position))

    def _raw_token(self) -> msgspec.Raw:
        """The id's exact text, by which the daemon finds the request.

        Raises `UsageError` if the request is answered.
        """
        try:
            self._driver.token(self._key)
        except IdError:
            raise UsageError(
                f"{self.method}: the request {self.token} is answered; "
                "messages and progress must come before the answer"
            ) from None
        return msgspec.Raw(self.token.encode())

    def _send(self, method: str, params: Message | Progress) -> None:
        self._driver.notify(method, encode(params))


def request_kind(dialect: Dialect) -> type[Request]:
    """The class of `Request` that sends only what a daemon of this dialect accepts."""
    if dialect.has_trace:
        return Request
    return _RequestWithoutTrace if dialect.takes_notices else _MutedRequest


class _RequestWithoutTrace(Request):
    """A request of a daemon before v24.05."""

    __slots__ = ()

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Like `Request.notify`, but sends `trace` as `debug`."""
        check_level(level)
        super().notify(text, COMMON_LEVELS[level])


class _MutedRequest(Request):
    """A request of a daemon before v0.9.2, which knows neither `message` nor `progress`.

    It would kill the plugin for them, and could then abort itself.
    """

    __slots__ = ()

    def _send(self, method: str, params: Message | Progress) -> None:
        """Sends nothing."""


class Notification:
    """The name and the origin of the notification that is being handled.

    A handler receives it by having a parameter of this type.
    """

    __slots__ = ("origin", "topic")

    topic: str
    """The topic's name."""
    origin: str | None
    """The plugin that sent it; `None` for the daemon's own topics."""

    def __init__(self, driver: Driver) -> None:
        current = handled(driver)
        if current is None:
            raise UsageError("no notification is being handled")
        self.topic, origin = current.method, current.origin
        self.origin = None if origin is None else msgspec.json.decode(origin, type=str)
