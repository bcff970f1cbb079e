"""What is known of a value beyond its Python type; stands in `Annotated`.

Events are not checked against it: a newer daemon may send what we do not know yet. Answers are,
when they are built.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


class Unsigned(Struct, frozen=True):
    """A whole number from 0 to 2^`bits` - 1."""

    bits: int

    def problem(self, value: int) -> str | None:
        """What is wrong with the value, if anything."""
        if 0 <= value < 1 << self.bits:
            return None
        return f"must be from 0 to {(1 << self.bits) - 1}, not {value}"


class Hexadecimal(Struct, frozen=True):
    """Bytes, two hexadecimal digits each."""

    at_least: int = 0
    """Bytes."""
    exactly: int | None = None
    """Bytes."""

    def problem(self, value: str) -> str | None:
        """What is wrong with the value, if anything. Does not show it: it may be a secret."""
        if len(value) % 2 or not _HEX_DIGITS.issuperset(value):
            return "must be hexadecimal, two digits a byte"
        size = len(value) // 2
        if self.exactly is not None and size != self.exactly:
            return f"must be {self.exactly} bytes in hexadecimal, not {size}"
        if size < self.at_least:
            return f"must be at least {self.at_least} bytes in hexadecimal, not {size}"
        return None


class Known(Struct, frozen=True):
    """A word. These are those that the daemon uses today; others may come."""

    values: tuple[str, ...]
