"""How a program under faults may end, and what is a broken promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30.0
"""Seconds after which a program counts as hanging: far longer than anything takes."""

UNHARMED = "unharmed"
CALLER = "an error for a caller"
ENDED = "ended, and said why"
AS_ASKED = "ended as asked"


class BrokenPromiseError(Exception):
    """A promise was not kept."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended in which every promise was kept."""

    kind: str
    said: str = ""
    """What the program said about it."""


@dataclass(frozen=True)
class Faults:
    """What is injected."""

    rules: Sequence[str] = ()
    """As behind strace's `inject=`."""
    threads: bool = True
    """In all threads, and not in the main thread alone."""
    ends: bool = False
    """The program may end: it is asked to, or killed, or told that its other end is gone."""


Run = Callable[[Path, Faults], Outcome]
"""Runs a program in an empty folder under faults. `calls` in the folder lists its system calls.
Raises `BrokenPromiseError`."""
