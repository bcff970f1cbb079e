"""The command line as a user runs it: processes, and what they say."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""The examples' first lines name the Python of the environment, as a plugin's does."""
CLNWIRE = [sys.executable, "-m", "clnwire"]


def clnwire(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; what it says must never be a traceback."""
    done = subprocess.run(
        [*CLNWIRE, *map(str, words)],
        cwd=cwd,
        env=ENV,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def one_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The single line on stderr with which a command ended."""
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="cw") as folder:
        yield Path(folder)
