"""A plugin pays for the commands that it calls, and for no others."""

from __future__ import annotations

import subprocess
import sys

from tests.rpc.node import Node, echo


def modules(source: str, *arguments: str) -> set[str]:
    """What is imported after this source has run."""
    show = "import sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", f"{source}\n{show}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def without_msgspec_s(names: set[str]) -> set[str]:
    """What else is imported: in Python 3.10, msgspec needs `subprocess` and so `selectors`."""
    return names - modules("import msgspec")


def commands(names: set[str]) -> set[str]:
    start = "clnwire.commands."
    return {name.removeprefix(start) for name in names if name.startswith(start)}


def test_a_plugin_that_calls_nothing_imports_nothing_for_it():
    found = modules("from clnwire import Plugin; Plugin().rpc")
    assert commands(found) <= {"_blocking", "_command"}
    late = {"socket", "selectors", "asyncio", "clnwire.rpc._pool", "clnwire.rpc._call"}
    assert not without_msgspec_s(found) & late


def test_a_call_imports_its_own_command_and_no_sockets():
    source = """
from clnwire.rpc import connect
import sys
with connect(sys.argv[1]) as rpc:
    assert rpc.getinfo().network == "regtest"
"""
    with Node(echo) as node:
        found = modules(source, str(node.rpc_path))
    assert commands(found) == {"_blocking", "_command", "getinfo"}
    assert not without_msgspec_s(found) & {"socket", "selectors", "asyncio"}
