"""A line of a capture."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Record(Struct, omit_defaults=True):
    """A message with its time, or a note about bytes that could not be recorded as one."""

    t_us: int
    """Microseconds since the start."""
    dir: Literal["in", "out"]
    """`in` to the plugin, `out` from it."""
    frame: str | None = None
    """The message's exact text, unless something in it is masked."""
    note: str | None = None
    """Why there is no message."""
    raw: bytes | None = None
    """With a note: the bytes; base64 in the file."""
    redacted: tuple[str, ...] = ()
    """The members that are masked in the message."""
