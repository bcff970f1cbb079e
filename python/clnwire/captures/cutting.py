"""Cuts a copy of what one side says into messages, and goes on behind what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire._core import Framer, MalformedError, members

if TYPE_CHECKING:
    from collections.abc import Iterator

SEPARATOR: Final = b"\n\n"
"""Where messages begin anew after one that was none. It stands within no JSON string."""
LONGEST_JUNK: Final = 1 << 20
"""Bytes without a separator that are kept in one piece."""


class Piece(Struct, frozen=True):
    """What was said, in one piece: a message, or what is none, with the reason."""

    data: bytes
    problem: str | None = None


class Cutter:
    """One side's bytes, cut. What it gives, put together, is all that was said but white space."""

    def __init__(self) -> None:
        self._framer = Framer()
        self._problem: str | None = None
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._fed = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Takes some bytes; gives what they complete."""
        if not data:
            # To a framer that would be the end.
            return
        if self._problem is None:
            yield from self._frames(data)
        else:
            self._keep(data)
        while self._problem is not None and (pieces := self._junk()) is not None:
            yield from pieces

    def skip(self) -> Iterator[Piece]:
        """Some bytes are missing here: goes on behind the next separator."""
        yield from self.end()
        self._problem = "its start is missing"

    def end(self) -> Iterator[Piece]:
        """The stream has ended: what is left is no whole message."""
        left = b"".join(self._kept).strip()
        problem = self._problem or "the stream ended inside a message"
        self._forget()
        if left:
            yield Piece(left, problem)

    def _frames(self, data: bytes) -> Iterator[Piece]:
        self._framer.feed(data)
        self._keep(data)
        for frame in self._framer:
            if frame.fault is not None:
                self._lose(frame.offset, frame.fault.reason, frame.fault.offset)
                return
            yield Piece(frame.bytes)
        self._keep_last(self._framer.buffered)
        if (fault := self._framer.pending_fault) is not None:
            self._lose(self._start(), fault.reason, fault.offset - self._start())

    def _lose(self, start: int, reason: str, at: int) -> None:
        """The message that starts there in the framer's stream is no JSON."""
        self._keep_last(self._fed - start)
        self._problem = f"no JSON: {reason} at byte {at}"

    def _start(self) -> int:
        """Where in the framer's stream the bytes begin that are kept."""
        return self._fed - self._kept_bytes

    def _junk(self) -> list[Piece] | None:
        """The pieces up to the next message; `None` if the end of what is none has not come."""
        text = b"".join(self._kept)
        problem = self._problem or ""
        # A separator may also stand before it.
        body = text.lstrip()
        end = body.find(SEPARATOR)
        if end < 0 and len(body) < LONGEST_JUNK:
            self._kept = [text]
            return None
        self._forget()
        if end < 0:
            self._problem = problem
            return [Piece(body, problem)]
        return [_judged(body[:end], problem), *self._frames(body[end:])]

    def _keep(self, data: bytes) -> None:
        self._kept.append(data)
        self._kept_bytes += len(data)
        self._fed += len(data)

    def _keep_last(self, count: int) -> None:
        if count == 0:
            self._kept.clear()
        elif count < self._kept_bytes:
            self._kept = [b"".join(self._kept)[-count:]]
        self._kept_bytes = count

    def _forget(self) -> None:
        self._framer, self._problem = Framer(), None
        self._kept, self._kept_bytes, self._fed = [], 0, 0


def _judged(text: bytes, problem: str) -> Piece:
    """The daemon itself may send an option's value that is no JSON; such a message still counts."""
    try:
        members(text)
        text.decode()
    except (MalformedError, UnicodeDecodeError):
        return Piece(text, problem)
    return Piece(text)
