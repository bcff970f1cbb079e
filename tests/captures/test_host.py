"""A recorded plugin under a host: the host cannot tell, and the capture can be read."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire import RpcError
from clnwire.host import Host
from clnwire.host.plugins import process
from tests.captures.recording import frames, records
from tests.cli.terminal import clnwire

PLUGIN = f"""#!{sys.executable}
from clnwire import Plugin
from clnwire.hooks import CONTINUE, PeerConnected

plugin = Plugin()


@plugin.method("hello")
def hello(name: str) -> str:
    return f"Hello {{name}}"


@plugin.hook("peer_connected")
def peer(event: PeerConnected):
    return CONTINUE


@plugin.method("die")
def die() -> None:
    import os

    os._exit(3)


plugin.run()
"""


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    path = tmp_path / "recorded.sh"
    (tmp_path / "captures").mkdir()
    done = clnwire("record", "-o", tmp_path / "captures", "--write-wrapper", path, "--", plugin)
    assert done.returncode == 0, done.stderr
    return path


def test_a_recorded_plugin_serves_as_it_does_alone(wrapper: Path, tmp_path: Path) -> None:
    async def use() -> None:
        async with Host() as host:
            await host.start(wrapper)
            assert await host.call("hello", ["Rusty"]) == "Hello Rusty"
            assert await host.hook(
                "peer_connected",
                {
                    "peer": {
                        "id": "02" * 33,
                        "direction": "in",
                        "addr": "127.0.0.1:9735",
                        "features": "",
                    }
                },
            ) == {"result": "continue"}

    asyncio.run(use())
    (path,) = (tmp_path / "captures").iterdir()
    asked = [one["method"] for one in frames(path, "in")]
    assert asked[:4] == ["getmanifest", "init", "hello", "peer_connected"]
    answers = [one["result"] for one in frames(path, "out") if "result" in one]
    assert answers[2:4] == ["Hello Rusty", {"result": "continue"}]
    shown = clnwire("trace", path, "--method", "hello").stdout
    assert '["Rusty"]' in shown
    assert '"Hello Rusty"' in shown
    replayed = clnwire("replay", path, "--diff", "--", tmp_path / "plugin.py")
    assert replayed.returncode == 0, replayed.stdout
    assert "no difference in " in replayed.stdout


def test_a_recorded_plugin_that_dies(
    wrapper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The recorder closes its output before it ends, and a busy machine takes longer than a second.
    monkeypatch.setattr(process, "EOF_GRACE", 60)

    async def use() -> None:
        async with Host() as host:
            await host.start(wrapper)
            with pytest.raises(RpcError, match="exited with status 3"):
                await host.call("die")

    asyncio.run(use())
    (path,) = (tmp_path / "captures").iterdir()
    assert '"die"' in records(path)[-1]["frame"]
