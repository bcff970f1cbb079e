"""What a handler can learn of the message it handles, and say about it while it works."""

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
    """A call of a method or a hook, given to a handler that has a parameter of this type."""

    __slots__ = ("_driver", "_key", "method", "token")

    token: str
    """The id's exact text, as the daemon sent it."""
    method: str
    """The name of the method or hook."""

    def __init__(self, driver: Driver) -> None:
        current = handled(driver)
        if current is None or current.key is None or current.token is None:
            raise UsageError("there is no request being handled")
        self._driver = driver
        self._key, self.method = current.key, current.method
        self.token = current.token.decode()

    @property
    def id(self) -> str | int | float | None:
        """The id as JSON means it; `token` has its exact text."""
        from clnwire._wire import tolerant

        value: str | int | float | None = tolerant.loads(self.token.encode())
        return value

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Shows a line to the caller (the protocol's `message`), if they asked for such.

        Raises `UsageError` once the request is answered, or for a level the daemon does not know.
        """
        from clnwire.messages.message import Message

        check_level(level)
        self._send("message", Message(self._raw_token(), CURRENT_LEVELS[level], sendable(text)))

    def progress(self, done: int, total: int, *, stage: tuple[int, int] | None = None) -> None:
        """Tells the caller that `done` of `total` steps are done.

        `stage` is (this one, of how many), counted from 0.

        Raises `UsageError` once the request is answered, or if `done` is not between 0 and `total`.
        """
        from clnwire.messages.progress import Progress, Stage, check_progress

        check_progress(done, total)
        position = None
        if stage is not None:
            check_progress(*stage)
            position = Stage(*stage)
        self._send("progress", Progress(self._raw_token(), done, total, position))

    def _raw_token(self) -> msgspec.Raw:
        """The daemon knows the request by the token's exact text. Raises `UsageError`."""
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
    """What a handler gets as its `Request`, so that a daemon of this dialect takes what it says."""
    if dialect.has_trace:
        return Request
    return _RequestWithoutTrace if dialect.takes_notices else _MutedRequest


class _RequestWithoutTrace(Request):
    """A request of a daemon before v24.05."""

    __slots__ = ()

    def notify(self, text: str, level: LogLevel = "info") -> None:
        """Shows a line to the caller; `trace` becomes `debug`."""
        check_level(level)
        super().notify(text, COMMON_LEVELS[level])


class _MutedRequest(Request):
    """A request of a daemon that knows neither `message` nor `progress`: it would end the plugin,
    and then perhaps itself."""

    __slots__ = ()

    def _send(self, method: str, params: Message | Progress) -> None:
        """Sends nothing."""


class Notification:
    """What is known of a notification besides its payload, for handlers that have a parameter of
    this type."""

    __slots__ = ("origin", "topic")

    topic: str
    """Its name."""
    origin: str | None
    """The plugin that sent it, for a custom topic."""

    def __init__(self, driver: Driver) -> None:
        current = handled(driver)
        if current is None:
            raise UsageError("there is no notification being handled")
        self.topic, origin = current.method, current.origin
        self.origin = None if origin is None else msgspec.json.decode(origin, type=str)
