"""Pages that are made from the code."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.pages import ROOT


def assert_current(script: str) -> None:
    """The page is what the script in `python/` would write today."""
    run = subprocess.run(
        [sys.executable, ROOT / "python" / script, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
