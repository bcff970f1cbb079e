"""Whether a process has something to do, however slow the machine is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_STATES: Final = (b"R", b"D", b"Z")
"""Linux's states of a thread that runs, waits for a processor or a disk, or has just ended."""


def is_computing(pid: int) -> bool:
    """Whether one of the process's threads is at work. Never, where there is no `/proc`."""
    try:
        return any(_state(file) in _STATES for file in Path(f"/proc/{pid}/task").glob("*/stat"))
    except OSError:
        return False


def _state(file: Path) -> bytes:
    # The name before it is in parentheses, and may contain some.
    return file.read_bytes().rpartition(b")")[2].split()[0]
