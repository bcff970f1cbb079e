"""Finds Python tracebacks in what a plugin logged or wrote to stderr."""

from __future__ import annotations

import re
from typing import Final

TRACEBACK: Final = "Traceback (most recent call last):"
"""The first line of a traceback; it counts as a failure at any level."""
_ONE: Final = rf"{re.escape(TRACEBACK)}\n(?:[ \t].*\n)+\S.*"
"""The frames are indented; the exception is not."""
_SYNTAX: Final = r'  File ".*", line \d+\n(?:[ \t].*\n)+(?:Syntax|Indentation|Tab)Error: .*'
"""Python reports a file that it cannot compile without the first line."""
_GROUP: Final = rf"  \+ Exception Group {re.escape(TRACEBACK)}(?:\n[ \t].*)+"
_CHAIN: Final = re.compile(
    rf"{_ONE}(?:\n+(?:During handling of|The above exception) .*\n+{_ONE})*|{_SYNTAX}|{_GROUP}"
)


def last_traceback(text: str) -> str:
    """The last traceback, with the exceptions that led to it; empty if there is none."""
    found = list(_CHAIN.finditer(text))
    return found[-1][0] if found else ""


def summary(text: str) -> str:
    """The first line, and the exception of the traceback that begins there or follows."""
    first = text.strip().partition("\n")[0]
    raised = last_traceback(text).rpartition("\n")[2]
    # The first line may say what the exception does, without its type.
    said = raised.partition(": ")[2] or raised.rstrip(":")
    # All lines of an exception group are indented.
    if not said or said in first or said.startswith(" "):
        return first
    return raised if TRACEBACK in first else f"{first}: {raised}"
