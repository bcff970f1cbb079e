"""The daemon waits for a plugin's manifest: what takes long to import is not there before its use.

Modules are counted, since a time would depend on the machine.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.daemon import Daemon

pytestmark = pytest.mark.process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN = '''
import sys
from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite

plugin = Plugin(mixed_db_write=True)
greeting = plugin.option("greeting", "World", description="Whom to greet")

@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue:
    if event.writes == ["modules"]:
        plugin.log(" ".join(sys.modules))
    return CONTINUE

@plugin.method("hello")
def hello(name: str | None = None, *, times: int = 1) -> str:
    """Greets.

    As often as is wanted.
    """
    return f"Hello {name or greeting.value}" * times

plugin.run()
'''
BESIDES = {
    "__future__",
    "_contextvars",
    "atexit",
    "contextlib",
    "contextvars",
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "math",
    "signal",
}
"""Of the standard library, what a plugin needs for itself."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    path = tmp_path / "small.py"
    path.write_text(PLUGIN)
    daemon = Daemon(path)
    yield daemon
    daemon.close()


def modules(daemon: Daemon) -> set[str]:
    """What the plugin has imported by now."""
    daemon.logs.clear()
    assert daemon.call("db_write", {"data_version": 1, "writes": ["modules"]}) == {
        "result": "continue"
    }
    (line,) = daemon.logs
    return set(line["message"].split())


def of_msgspec() -> set[str]:
    """What Python and the one dependency bring, with which nothing can be done."""
    source = "import msgspec, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def own(names: set[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] == "clnwire"}


def test_what_is_there_when_the_manifest_is(daemon):
    daemon.getmanifest()
    loaded = modules(daemon)
    assert loaded - own(loaded) - of_msgspec() <= BESIDES
    assert len(own(loaded)) <= 54
    for late in ("initialisation", "messages.init", "background", "pool", "rpc", "terminal"):
        assert f"clnwire.{late}" not in loaded
    assert {name for name in loaded if name.startswith("clnwire.hooks.d")} == {
        "clnwire.hooks.db_write"
    }


def test_a_plugin_that_calls_nothing_gets_no_more_than_init(daemon):
    daemon.getmanifest()
    before = modules(daemon)
    daemon.init()
    assert daemon.call("hello", ["you"]) == "Hello you"
    assert modules(daemon) - before == {"clnwire._runtime.init", "clnwire.messages.init"}


@pytest.mark.parametrize(
    "package", ["hooks", "notifications", "types", "rpc", "messages", "testing"]
)
def test_a_prompt_can_complete_names_that_are_imported_late(package: str) -> None:
    module = importlib.import_module(f"clnwire.{package}")
    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)
