"""A part of a capture: from one message or time to another."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from clnwire.captures.errors import CaptureError

_BOUND: Final = re.compile(r"(\d+)|(\d+(?:\.\d+)?|\.\d+)(us|µs|ms|s|min|h)")
UNITS: Final = {"us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "min": 60e6, "h": 3600e6}
"""Microseconds."""


class Bound(Struct, frozen=True):
    """A message's number, or a time since the start; the other one is `None`."""

    number: int | None = None
    t_us: float | None = None

    def is_reached(self, number: int, t_us: int) -> bool:
        """Whether a message is at or after this bound."""
        if self.number is not None:
            return number >= self.number
        return self.t_us is None or t_us >= self.t_us

    def is_passed(self, number: int, t_us: int) -> bool:
        """Whether a message is after this bound."""
        if self.number is not None:
            return number > self.number
        return self.t_us is not None and t_us > self.t_us


class Span(Struct, frozen=True):
    """A range of messages, including both bounds."""

    first: Bound = Bound()
    last: Bound = Bound()

    def has(self, number: int, t_us: int) -> bool:
        """Whether a message is in the range."""
        return self.first.is_reached(number, t_us) and not self.last.is_passed(number, t_us)


WHOLE: Final = Span()
"""All of a capture."""


def parse_span(first: str | None, last: str | None) -> Span:
    """From the values of `--from` and `--to`. Raises `CaptureError`."""
    return Span(_bound("--from", first), _bound("--to", last))


def duration_us(option: str, text: str) -> float:
    """Microseconds of a duration such as `12.5s` or `10ms`. Raises `CaptureError`."""
    found = _BOUND.fullmatch(text)
    if found is None or found[1] is not None:
        units = ", ".join(UNITS)
        raise CaptureError(f"{option} must be a time such as 12.5s ({units}), not '{text}'")
    return float(found[2]) * UNITS[found[3]]


def _bound(option: str, text: str | None) -> Bound:
    if text is None:
        return Bound()
    if text.isascii() and text.isdigit():
        return Bound(number=int(text))
    try:
        return Bound(t_us=duration_us(option, text))
    except CaptureError:
        raise CaptureError(
            f"{option} must be a message's number or a time, such as 120 or 12.5s, not '{text}'"
        ) from None
