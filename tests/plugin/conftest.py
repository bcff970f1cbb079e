"""Plugins from their source, each in a process of its own.

Those of tests with the mark `process` are started as lightningd does it; the others are forked from
a process that has imported clnwire.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.daemon import Daemon

HEADER = """
import os, sys
if os.environ.get("CLNWIRE_TEST_WITHOUT_UVLOOP"):
    sys.modules["uvloop"] = None
import msgspec
"""
MODULES = ("clnwire", "clnwire.hooks", "clnwire.notifications")


def imports(body: str) -> str:
    """Imports the names of clnwire that are used, a line a module: all of them would be slow."""
    words = set(re.findall(r"\w+", body))
    lines = ""
    for module in MODULES:
        used = sorted(words & set(import_module(module).__all__))
        lines += f"from {module} import {', '.join(used)}\n" if used else "\n"
    return lines


def source(body: str) -> str:
    """The plugin's file up to the point where it runs."""
    body = textwrap.dedent(body)
    if "plugin = " not in body:
        body = "plugin = Plugin()\n" + body
    return HEADER + imports(body) + body


def is_forked(request: pytest.FixtureRequest) -> bool:
    node: pytest.Item | pytest.Module = request.node
    return node.get_closest_marker("process") is None


@pytest.fixture
def plugin(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Daemon]]:
    """Starts a plugin with this body: the imports come before it, `plugin.run()` behind it."""
    daemons: list[Daemon] = []

    def start(body: str, *, dialect: str = "current") -> Daemon:
        path = tmp_path / "plugin_under_test.py"
        path.write_text(source(body) + "\nplugin.run()\n")
        daemons.append(Daemon(path, dialect=dialect, is_forked=is_forked(request)))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.close()


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Daemon]]:
    """Gives a plugin with this body that has sent its manifest: a process for all tests of a module
    that ask for the same one."""
    daemons: dict[tuple[str, str], Daemon] = {}

    def get(body: str, *, dialect: str = "current") -> Daemon:
        if (body, dialect) not in daemons:
            path = tmp_path_factory.mktemp("running") / "plugin_under_test.py"
            path.write_text(source(body) + "\nplugin.run()\n")
            daemons[body, dialect] = Daemon(path, dialect=dialect, is_forked=is_forked(request))
            daemons[body, dialect].getmanifest()
        daemon = daemons[body, dialect]
        daemon.logs.clear()
        return daemon

    yield get
    for daemon in daemons.values():
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
