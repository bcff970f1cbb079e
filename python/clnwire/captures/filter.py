"""Selects messages of a capture: by a range of numbers or times, and by what they are."""

import math
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from clnwire.captures.conversation import CapturedMessage, CapturedRequest, Kind
from clnwire.captures.reading import CaptureError

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(us|µs|ms|s|min|h)")
UNITS: Final = {"us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "min": 60e6, "h": 3600e6}
"""Microseconds."""


class Bound(Struct, frozen=True):
    """A message's number, or without that a time since the start."""

    number: int | None = None
    t_us: float = 0.0

    def distance(self, number: int, t_us: int) -> float:
        """How far a message is after this bound; negative if it is before."""
        return t_us - self.t_us if self.number is None else number - self.number


class Span(Struct, frozen=True):
    """A range of messages, including both bounds."""

    first: Bound = Bound(t_us=-math.inf)
    last: Bound = Bound(t_us=math.inf)

    def has(self, number: int, t_us: int) -> bool:
        """Whether a message is in the range."""
        return self.last.distance(number, t_us) <= 0 <= self.first.distance(number, t_us)


WHOLE: Final = Span()
"""All of a capture."""


def parse_span(first: str | None, last: str | None) -> Span:
    """From the values of `--from` and `--to`. Raises `CaptureError`."""
    return Span(_bound("--from", first, WHOLE.first), _bound("--to", last, WHOLE.last))


def duration_us(option: str, text: str) -> float:
    """Microseconds of a duration such as `12.5s` or `10ms`. Raises `CaptureError`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        units = ", ".join(UNITS)
        raise CaptureError(f"{option} must be a time such as 12.5s ({units}), not '{text}'")
    return float(found[1]) * UNITS[found[2]]


def _bound(option: str, text: str | None, default: Bound) -> Bound:
    if text is None:
        return default
    if text.isascii() and text.isdigit():
        return Bound(number=int(text))
    try:
        return Bound(t_us=duration_us(option, text))
    except CaptureError:
        raise CaptureError(
            f"{option} must be a message's number or a time, such as 120 or 12.5s, not '{text}'"
        ) from None


class RecordFilter(Struct, frozen=True):
    """Selects messages that meet every condition that is set. Of several names, one must match."""

    kinds: Sequence[str] = ()
    names: Sequence[tuple[Kind, str]] = ()
    """Hooks, methods and topics with patterns such as `htlc_*`. Replies go with their requests."""
    direction: str | None = None
    slower_than_us: float | None = None
    """Only replies that took longer."""
    text: str | None = None
    """A text that the message contains, in any case."""
    span: Span = WHOLE

    def has(self, message: CapturedMessage) -> bool:
        """Whether the message is to be shown."""
        record = message.record
        return (
            (not self.kinds or message.kind in self.kinds)
            and (self.direction is None or record.dir == self.direction)
            and self._is_named(message.about, message.name)
            and (self.slower_than_us is None or (message.latency_us or 0) > self.slower_than_us)
            and self.span.has(message.number, record.t_us)
            and (self.text is None or self.text in (record.frame or record.note or "").lower())
        )

    def has_unanswered(self, asked: CapturedRequest) -> bool:
        """Whether to count an unanswered request; its text is no longer known."""
        return (
            (not self.kinds or asked.kind in self.kinds)
            and self.direction != "out"
            and self.slower_than_us is None
            and self.text is None
            and self._is_named(asked.kind, asked.name)
            and self.span.has(asked.number, asked.t_us)
        )

    def _is_named(self, about: Kind, name: str) -> bool:
        # `getmanifest` and `init` are not the plugin's methods, but `--method` selects them too.
        kind = "method" if about == "startup" else about
        return not self.names or any(
            kind == wanted and fnmatchcase(name, pattern) for wanted, pattern in self.names
        )
