"""The one way out for texts that are not clnwire's own: they must not move a terminal's cursor."""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, those that turn the direction of a line, and halves of surrogate pairs."""


def printable(text: str) -> str:
    """The text, its lines and tabs, with anything else that acts on a terminal as an escape."""
    return _UNSAFE.sub(_escape, text)


def in_one_line(text: str) -> str:
    """The same, with line breaks as escapes, too: nothing of it can look like a line of ours."""
    return printable(text).replace("\n", "\\n").replace("\t", " ")


def printable_json(text: str) -> str:
    """JSON text, which means the same afterwards."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode()
