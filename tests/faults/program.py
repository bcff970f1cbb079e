"""Programs that begin what is tested at a line of input, so that strace is there from its start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.faults.outcome import PATIENCE, BrokenPromiseError, Faults
from tests.faults.strace import traced
from tests.forked import Preloaded

PRELOADED = Preloaded("clnwire.journal", "clnwire.host", "clnwire.replica.plugin", "uvloop")

READY = """
print("ready", flush=True)
sys.stdin.readline()
"""


def said_by(
    source: str, folder: Path, faults: Faults, *words: str | Path
) -> tuple[int, list[str], str]:
    """Runs a program that says `ready` with `READY`: its status, and the lines of both outputs."""
    path = folder / "program.py"
    path.write_text(source)
    program = PRELOADED.start(
        [str(path), *map(str, words)],
        cwd=folder,
        env=os.environ,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    try:
        assert program.stdout.readline() == b"ready\n", program.stderr.read()
        with traced(program.pid, folder / "calls", faults):
            program.stdin.write(b"go\n")
            program.stdin.close()
            output, errors = program.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise BrokenPromiseError("it does not end") from None
    finally:
        program.kill()
    assert program.returncode is not None
    return program.returncode, output.decode().splitlines(), errors.decode().strip()
