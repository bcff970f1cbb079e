"""What docs/testing.md shows are tests that pass, and its tables have names that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clnwire.testing import BlockingHost, Pending, RunningPlugin
from tests.docs.pages import DOCS, ROOT, blocks

PAGE = (DOCS / "testing.md").read_text()
SNIPPETS = [block.text for block in blocks(DOCS / "testing.md", "python")]
GUARD = """
from clnwire import Plugin
from clnwire.hooks import CONTINUE, PeerDisconnect
plugin = Plugin()
@plugin.hook("peer_connected")
def on_peer(event):
    return CONTINUE if event.peer.direction == "in" else PeerDisconnect(error_message="not today")
plugin.run()
"""
ASYNC_TESTS = """
import asyncio, inspect, pytest
@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        names = inspect.signature(pyfuncitem.obj).parameters
        asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True
"""
"""A conftest.py that does what pytest-asyncio does."""


def test_snippets_are_tests_that_pass(tmp_path: Path) -> None:
    (tmp_path / "hello.py").symlink_to(ROOT / "examples/hello.py")
    (tmp_path / "guard.py").write_text(GUARD)
    (tmp_path / "conftest.py").write_text(ASYNC_TESTS)
    for number, snippet in enumerate(SNIPPETS):
        (tmp_path / f"test_snippet_{number}.py").write_text(snippet)
    argv = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=110, check=False
    )
    tests = len(re.findall(r"^(?:async )?def test_", "".join(SNIPPETS), re.MULTILINE))
    # Two of them are parametrized, with three cases and with two.
    assert re.search(rf"\b{tests + 3} passed", done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("call", re.findall(r"`(?:plugin\.)?(\w+)\(", PAGE))
def test_what_the_page_names_is_there(call: str) -> None:
    public = {"run_plugin", "sample", "fork", "hang_up"}
    assert call in public or any(
        hasattr(kind, call) for kind in (RunningPlugin, BlockingHost, Pending)
    )
