"""Constraints on a value beyond its Python type, for use in `Annotated`.

clnwire checks answers against them when they are built. It does not check events: a newer daemon
may send values that do not fit.
"""

from typing import Final

from msgspec import Struct

__all__ = ["Hexadecimal", "Known", "Unsigned"]

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


class Unsigned(Struct, frozen=True):
    """An integer from 0 to 2^`bits` - 1."""

    bits: int

    def problem(self, value: int) -> str | None:
        """Why the value does not fit; `None` if it fits."""
        if 0 <= value < 1 << self.bits:
            return None
        return f"must be from 0 to {(1 << self.bits) - 1}, not {value}"


class Hexadecimal(Struct, frozen=True):
    """Bytes as hexadecimal digits, two a byte."""

    at_least: int = 0
    """The smallest length in bytes."""
    exactly: int | None = None
    """The length in bytes, if fixed."""

    def problem(self, value: str) -> str | None:
        """Why the value does not fit; `None` if it fits.

        The text does not contain the value, which may be a secret.
        """
        if len(value) % 2 or not _HEX_DIGITS.issuperset(value):
            return "must be hexadecimal, two digits a byte"
        size = len(value) // 2
        if self.exactly is not None and size != self.exactly:
            return f"must be {self.exactly} bytes in hexadecimal, not {size}"
        if size < self.at_least:
            return f"must be at least {self.at_least} bytes in hexadecimal, not {size}"
        return None


class Known(Struct, frozen=True):
    """A word. `values` are the words that the daemon uses today; newer daemons may use others."""

    values: tuple[str, ...]
