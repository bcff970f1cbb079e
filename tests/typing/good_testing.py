"""What tests see of the fixtures and their helpers. Never run."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import assert_type

from clnwire import Plugin, RpcError
from clnwire.hooks import DbWrite, PeerConnected
from clnwire.host import Delivery, LogEntry
from clnwire.notifications import Connect
from clnwire.testing import NEVER, BlockingHost, Call, RunningPlugin, RunPlugin, sample


def test_with_fixtures(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> None:
    assert_type(run_plugin("plugin.py", {"level": 3}), RunningPlugin)
    assert_type(run_plugin(Path("plugin.py"), env={"A": "b"}), RunningPlugin)
    plugin = run_plugin(Plugin())
    plugin.hook(PeerConnected)
    plugin.hook(sample(PeerConnected, peer={"direction": "out"}), timeout=1)
    plugin.hook("a hook of tomorrow", {"x": 1})
    plugin.notify(Connect)
    assert_type(plugin.db_write(["DELETE FROM t"]), int)
    assert_type(plugin.wait_for_log("part", level="info"), LogEntry)
    assert_type(plugin.returncode, int | None)
    assert_type(clnwire_host.calls, list[Call])
    clnwire_host.answer("pay", {"status": "complete"})
    clnwire_host.answer("pay", RpcError(210, "no route"))
    clnwire_host.answer("pay", Delivery({}, delay=0.1))
    clnwire_host.answer("pay", NEVER)
    assert_type(clnwire_host.run(clnwire_host.host.db_write(["x"])), int)


def samples() -> None:
    assert_type(sample(DbWrite, writes=[]), DbWrite)
    assert_type(sample(Connect), Connect)


def without_pytest() -> None:
    with BlockingHost(patience=2, dialect="2019") as host:
        assert_type(host, BlockingHost)
        host.start("plugin.py").hang_up()
