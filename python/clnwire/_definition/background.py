"""Background functions, which run from `init` until the plugin ends."""

from __future__ import annotations

import time

# Not at the first round: an import opens files, and there may be no descriptor left by then.
from random import uniform
from typing import TYPE_CHECKING, Any, Final

from clnwire._definition.functions import is_async
from clnwire._definition.options import Option
from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


LONGEST: Final = 10.0**9
"""Seconds (thirty years). Timers cannot hold much longer periods."""


class Background:
    """A background function as it was registered."""

    def __init__(
        self,
        function: Callable[[], object],
        *,
        fatal: bool = True,
        period: float | Option[int] | None = None,
        jitter: float = 0.0,
    ) -> None:
        """`period`: the seconds between the beginnings of rounds; `None` to call it once."""
        if not callable(function):
            raise UsageError("@plugin.background(fatal=...) takes keyword arguments only")
        self.function, self.fatal = function, fatal
        self.period, self.jitter = period, jitter
        self.name = getattr(function, "__name__", repr(function))
        self.is_async = is_async(function)

    def next_round(self) -> float:
        """When the round after one that begins now is due, by `time.monotonic`.

        Raises `UsageError` if the period is an option whose value is not positive.
        """
        seconds = self.period
        if isinstance(seconds, Option):
            seconds = check_seconds(seconds.value, f"option '{seconds.name}'")
        assert seconds is not None
        return time.monotonic() + seconds * uniform(1 - self.jitter, 1 + self.jitter)


def check_seconds(seconds: Any, what: str = "seconds") -> float:
    """`seconds` if it can be a period. Raises `UsageError`."""
    if callable(seconds):
        raise UsageError("every: write @plugin.every(60), with the seconds in parentheses")
    if not isinstance(seconds, (int, float)) or not 0 < seconds < LONGEST:
        raise UsageError(f"every: {what} must be a number above 0, not {seconds!r}")
    return seconds
