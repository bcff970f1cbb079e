"""What tests see of the fixtures and their helpers. Never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typing_extensions import assert_type

from clnwire import Plugin, RpcError
from clnwire.commands.listpeerchannels import ListpeerchannelsReply
from clnwire.hooks import DbWrite, HtlcAccepted, PeerConnected
from clnwire.host import Delivery, LogEntry
from clnwire.notifications import Connect
from clnwire.testing import (
    NEVER,
    AsyncPlugin,
    BlockingHost,
    Call,
    Pending,
    RunningPlugin,
    RunPlugin,
    RunPluginAsync,
    sample,
)


def test_with_fixtures(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> None:
    assert_type(run_plugin("plugin.py", {"level": 3}), RunningPlugin)
    assert_type(run_plugin(Path("plugin.py"), env={"A": "b"}), RunningPlugin)
    plugin = run_plugin(Plugin())
    plugin.hook(PeerConnected)
    plugin.hook(sample(PeerConnected, peer={"direction": "out"}), timeout=1)
    plugin.hook("a hook of tomorrow", {"x": 1})
    plugin.notify(Connect)
    plugin.notify("news", {"x": 1}, origin="other.py")
    assert_type(plugin.start_hook(HtlcAccepted), Pending[Any])
    assert_type(plugin.start_call("pay", ["x"]).done(), bool)
    plugin.start_call("pay").result(timeout=1)
    assert_type(plugin.db_write(["DELETE FROM t"]), int)
    assert_type(plugin.wait_for_log("part", level="info"), LogEntry)
    assert_type(plugin.returncode, int | None)
    assert_type(clnwire_host.calls, list[Call])
    clnwire_host.answer("pay", {"status": "complete"})
    clnwire_host.answer("pay", RpcError(210, "no route"))
    clnwire_host.answer("pay", Delivery({}, delay=0.1))
    clnwire_host.answer("pay", NEVER)
    assert_type(clnwire_host.run(clnwire_host.host.db_write(["x"])), int)


async def test_with_a_loop(run_plugin_async: RunPluginAsync) -> None:
    plugin = await run_plugin_async("plugin.py", {"level": 3})
    assert_type(plugin, AsyncPlugin)
    await plugin.call("hello", timeout=1)
    await plugin.hook(HtlcAccepted)
    await plugin.running.start_hook(HtlcAccepted)
    assert_type(await plugin.db_write(["x"], data_version=1), int)
    assert_type(await plugin.wait_for_log("part", level="info"), LogEntry)
    assert_type(await plugin.wait_ended(timeout=1), int)
    assert_type(plugin.running.calls, list[Call])


def samples() -> None:
    assert_type(sample(ListpeerchannelsReply, channels=[{}]), ListpeerchannelsReply)
    assert_type(sample(DbWrite, writes=[]), DbWrite)
    assert_type(sample(Connect), Connect)


def without_pytest() -> None:
    with BlockingHost(patience=2, dialect="2019") as host:
        assert_type(host, BlockingHost)
        host.start("plugin.py").hang_up()
