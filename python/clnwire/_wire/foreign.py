"""Escaping of untrusted text before it is printed, so that it cannot control a terminal."""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters (except tab and line feed), bidirectional controls, lone surrogates."""


def printable(text: str) -> str:
    """The text with unsafe characters escaped; line feeds and tabs are kept."""
    return _UNSAFE.sub(_escape, text)


def in_one_line(text: str) -> str:
    """Like `printable`, but on one line, so that the text cannot imitate a line of output."""
    return printable(text).replace("\n", "\\n").replace("\t", " ")


def printable_json(text: str) -> str:
    """JSON text with unsafe characters as `\\u` escapes; it still means the same."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode()
