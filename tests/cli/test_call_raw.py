"""`clnwire call --raw` sends what lightningd would forward, JSON or not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.cli.terminal import Running, short_folder

PLUGIN = f"""#!{sys.executable}
from clnwire import Plugin

plugin = Plugin()


@plugin.method("ban")
def ban(*addresses: str) -> list[str]:
    return list(addresses)


plugin.run()
"""

folder = pytest.fixture(short_folder)


@pytest.fixture
def host(folder: Path) -> Iterator[Running]:
    path = folder / "ban.py"
    path.write_text(PLUGIN)
    path.chmod(0o755)
    with Running(folder, f"--plugin={path}") as host:
        yield host.ready()


@pytest.mark.parametrize("params", ["[203.0.113.7]", '["a" "b"]', "[nan]", '["a\tb"]', "[1,]"])
def test_what_is_no_json_goes_out(host: Running, params: str) -> None:
    done = host.call("--raw", "ban", params)
    assert done.returncode == 1
    error = json.loads(done.stderr)
    assert error["code"] == -32700
    assert error["message"].startswith("ban: the caller sent malformed JSON: ")
    assert host.call("ban", "203.0.113.7").returncode == 0


def test_json_goes_out_as_it_is(host: Running) -> None:
    assert host.call("--raw", "ban", '["a"]').stdout == '["a"]\n'
    assert json.loads(host.call("ban", "a", "b").stdout) == ["a", "b"]
