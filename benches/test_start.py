"""Measures the parts of a plugin's start: registration and import. Each checks its result."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from clnwire import Plugin
from clnwire.hooks import CONTINUE


def test_registration(benchmark: Any) -> None:
    def register() -> Plugin:
        plugin = Plugin()
        plugin.option("greeting", "World")
        plugin.method("hello")(lambda name=None: name)
        plugin.hook("db_write")(lambda event: CONTINUE)
        plugin.subscribe("connect")(lambda event: None)
        return plugin

    plugin = benchmark(register)
    assert "db_write" in plugin.hooks
    assert "hello" in plugin.methods


@pytest.mark.parametrize("module", ["sys", "json", "orjson", "jiter", "msgspec", "clnwire"])
def test_import(benchmark: Any, module: str) -> None:
    """A process that imports the module and ends. Each import delays a node's start."""
    pytest.importorskip(module)
    # As in production, later starts use the bytecode that the first one wrote.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", f"import {module}"]

    def start() -> int:
        return subprocess.run(command, check=True, env=environment).returncode

    assert benchmark(start) == 0
