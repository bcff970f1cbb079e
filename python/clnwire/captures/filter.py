"""Selects messages of a capture."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from clnwire.captures.conversation import CapturedMessage, CapturedRequest, Kind
from clnwire.captures.span import WHOLE, Span


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
