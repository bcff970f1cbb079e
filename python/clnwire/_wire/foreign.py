"""Escaping and shortening of untrusted text before it is printed.

It can neither control a terminal nor fill a message.
"""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters (except tab and line feed), bidirectional controls, lone surrogates."""


MOST_SHOWN: Final = 80
"""A message about a value or a name shows no more of its characters, unless it says otherwise."""


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """The text, cut to `most` characters; the last one of a cut text is `…`."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


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
