"""When the process's stdin and stdout belong to the daemon, and what to do about `sys.stdout`."""

from __future__ import annotations

import os
import sys
from typing import Final

MARK: Final = "CLNWIRE_PLUGIN_PID"
"""Set in the environment of a plugin's child processes."""


def belongs_to_daemon() -> bool:
    """Whether they do already, before `run`: what is printed from now on must not reach it.

    True once in a process that lightningd started. Its child processes inherit the environment,
    but their stdin and stdout are not the daemon's; the mark tells them so.
    """
    if not os.environ.get("LIGHTNINGD_PLUGIN") or os.environ.get(MARK):
        return False
    os.environ[MARK] = str(os.getpid())
    return True


def make_stdout_prompt() -> None:
    """Stray output should be logged when it is printed, not when 8 kB of it have gathered."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)
