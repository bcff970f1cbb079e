"""Plugins from their source, each in a process of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon

HEADER = """
import os, sys
if os.environ.get("CLNWIRE_TEST_WITHOUT_UVLOOP"):
    sys.modules["uvloop"] = None
import msgspec
from clnwire import *
from clnwire.hooks import *
from clnwire.notifications import *
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts a plugin with this body: the imports come before it, `plugin.run()` behind it."""
    daemons: list[Daemon] = []

    def start(body: str, *, dialect: str = "current") -> Daemon:
        body = textwrap.dedent(body)
        if "plugin = " not in body:
            body = "plugin = Plugin()\n" + body
        path = tmp_path / "plugin_under_test.py"
        path.write_text(HEADER + body + "\nplugin.run()\n")
        daemons.append(Daemon(path, dialect=dialect))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.close()


@pytest.fixture(params=["2019", "2020", "current"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both of the daemon's dialects."""
    name: str = request.param
    return name


@pytest.fixture(params=["asyncio", "uvloop"])
def event_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both event loops: the standard library's, and the one that is used if it is installed."""
    name: str = request.param
    if name == "uvloop":
        pytest.importorskip("uvloop")
    else:
        monkeypatch.setenv("CLNWIRE_TEST_WITHOUT_UVLOOP", "1")
    return name
