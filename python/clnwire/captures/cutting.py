"""Cuts one side's bytes into messages, and resumes after invalid ones."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from clnwire._core import Framer, MalformedError, members

SEPARATOR: Final = b"\n\n"
"""The end of a message, where cutting resumes after invalid bytes. No JSON string contains it."""
LONGEST_JUNK: Final = 1 << 20
"""Bytes without a separator that are kept in one piece."""
BLOCK: Final = 1 << 12
"""The most bytes to look at in one go."""


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
        # What follows an invalid message is given to a new framer, so never give it all at once.
        for start in range(0, len(data), BLOCK):
            yield from self._feed(data[start : start + BLOCK])

    def _feed(self, data: bytes) -> Iterator[Piece]:
        rest: bytes | None = data
        while rest:
            if self._problem is None:
                yield from self._frames(rest)
                rest = self._invalid()
            else:
                piece, rest = self._junk(rest)
                if piece is not None:
                    yield piece

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

    def _invalid(self) -> bytes | None:
        """The bytes from the start of an invalid message on, which are then no longer kept."""
        if self._problem is None:
            return None
        text = b"".join(self._kept)
        self._kept, self._kept_bytes = [], 0
        return text

    def _junk(self, data: bytes) -> tuple[Piece | None, bytes]:
        """The piece that is complete with these bytes, and what follows it."""
        # A separator may also stand before it.
        data = data if self._kept else data.lstrip()
        if not data:
            return None, b""
        # The bytes that are kept have none, but it may begin with the last one.
        edge = self._kept[-1][-1:] if self._kept else b""
        end = (edge + data).find(SEPARATOR) - len(edge)
        is_found = end >= -len(edge)
        problem = self._problem or ""
        self._keep(data)
        if not is_found and self._kept_bytes < LONGEST_JUNK:
            return None, b""
        body = b"".join(self._kept)
        self._forget()
        if not is_found:
            self._problem = problem
            return Piece(body, problem), b""
        length = len(body) - len(data) + end
        return _judged(body[:length], problem), body[length:]

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
