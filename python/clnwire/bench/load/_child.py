"""The process that is the load generator. It imports no more than it needs."""

from __future__ import annotations

import signal
import sys

from clnwire import _core


def main() -> None:
    """Does the job on stdin, and writes the outcome to stdout."""
    # Nothing here looks at Python's own handler while the core works.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.buffer.write(_core.measure(sys.stdin.buffer.read()))
