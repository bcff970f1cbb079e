"""The host's snippets in the docs run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, all_blocks
from tests.host.raw import write_plugin

SNIPPETS = [
    block
    for block in all_blocks("python")
    if "clnwire.host" in block.text and not (block.file or block.run_by or block.not_run)
]
GUARD = """
MANIFEST["hooks"] = ["peer_connected", "openchannel2_changed"]
def answer(message):
    if message["method"] == "peer_connected":
        return {"result": "disconnect", "error_message": "not today"}
    return {"result": "continue"}
"""


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_snippets_run(tmp_path: Path, snippet: Block) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    write_plugin(tmp_path, GUARD, "guard.py")
    argv = [sys.executable, "-W", "error", "-c", snippet.text]
    # The examples' first lines name the Python of the environment, as a plugin's does.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
