"""Commands as a person sees them: on a terminal, of which the other side is the test."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.cli.terminal import started


def on_terminal(
    *words: str | Path, columns: int = 120, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Runs a command of clnwire on a terminal of its own: its status, and all that was shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = started(
        *("-m", "clnwire", *words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # The terminal itself says how wide it is.
        env={"COLUMNS": "", "TERM": "xterm", **(env or {})},
        has_session=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            # Linux says so at the end of a terminal.
            break
        if not data:
            break
        shown += data
    os.close(ours)
    text = shown.decode().replace("\r\n", "\n")
    assert "Traceback" not in text, text
    return process.wait(timeout=60), text
