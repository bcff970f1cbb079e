"""Cuts one side's bytes into messages, and resumes after invalid ones."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from clnwire._core import Framer, MalformedError, members

SEPARATOR: Final = b"\n\n"
"""The end of a message, where cutting resumes after invalid bytes. No JSON string contains it."""
LONGEST_JUNK: Final = 1 << 20
"""Bytes without a separator that are kept in one piece."""


class Piece(Struct, frozen=True):
    """A message, or bytes that are not a message, with the reason."""

    data: bytes
    problem: str | None = None


class Cutter:
    """Cuts one side's bytes. Its pieces together hold all bytes except white space."""

    def __init__(self) -> None:
        self._framer = Framer()
        self._problem: str | None = None
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._fed = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Takes some bytes; yields the pieces that they complete."""
        if not data:
            # The framer takes empty input for the end.
            return
        if self._problem is None:
            yield from self._frames(data)
        else:
            self._keep(data)
        while self._problem is not None and (pieces := self._junk()) is not None:
            yield from pieces

    def skip(self) -> Iterator[Piece]:
        """Notes that bytes are missing here: resumes after the next separator."""
        yield from self.end()
        self._problem = "its start is missing"

    def end(self) -> Iterator[Piece]:
        """Ends the stream: the rest is an incomplete message."""
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
            start = self._fed - self._kept_bytes
            self._lose(start, fault.reason, fault.offset - start)

    def _lose(self, start: int, reason: str, at: int) -> None:
        """Notes that the message at `start` in the framer's stream is invalid JSON."""
        self._keep_last(self._fed - start)
        self._problem = f"not JSON: {reason} at byte {at}"

    def _junk(self) -> list[Piece] | None:
        """The pieces up to the next message; `None` if the separator has not come yet."""
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
    """Keeps a message whose members can be told apart: an option's value may be invalid JSON."""
    try:
        members(text)
        text.decode()
    except (MalformedError, UnicodeDecodeError):
        return Piece(text, problem)
    return Piece(text)
