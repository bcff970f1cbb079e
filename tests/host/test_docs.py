"""The host's snippets in the docs run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.raw import write_plugin

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SNIPPETS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1
    )
    if "clnwire.host" in block
]
GUARD = """
MANIFEST["hooks"] = ["peer_connected", "openchannel2_changed"]
def answer(message):
    if message["method"] == "peer_connected":
        return {"result": "disconnect", "error_message": "not today"}
    return {"result": "continue"}
"""


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_run(tmp_path: Path, snippet: str) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    write_plugin(tmp_path, GUARD, "guard.py")
    argv = [sys.executable, "-W", "error", "-c", snippet]
    # The examples' first lines name the Python of the environment, as a plugin's does.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
