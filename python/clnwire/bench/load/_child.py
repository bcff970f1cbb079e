"""The load generator's process. It imports only what it needs."""

from __future__ import annotations

import signal
import sys

from clnwire import _core


def main() -> None:
    """Does the job on stdin, and writes the outcome to stdout."""
    # Python's own handler would not run while the native code works.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.buffer.write(_core.measure(sys.stdin.buffer.read()))
