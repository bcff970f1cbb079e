"""Masks members of a message by their names; all else stays byte for byte as it was.

A masked value keeps its type and length: hexadecimal strings become zeros, other strings asterisks,
and the digits of numbers zeros. Each value in a masked array or object is masked by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from clnwire._core import mask


class Redaction:
    """The members that are masked, wherever they stand."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))

    def mask(self, frame: bytes) -> tuple[bytes, tuple[str, ...]]:
        """The message with the values masked, and the names that it contained, in order."""
        return mask(frame, self.names)
