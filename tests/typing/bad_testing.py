"""Mistakes in tests of plugins. One on each line marked so."""

from __future__ import annotations

from clnwire.hooks import PeerConnected, PeerDisconnect
from clnwire.testing import BlockingHost, RunPlugin, RunPluginAsync, sample


def test_mistakes(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> None:
    sample(PeerDisconnect)  # mistake: an answer is not an event
    sample("peer_connected")  # mistake: a name is not a Struct
    run_plugin(7)  # mistake: neither a path nor a plugin
    run_plugin("plugin.py", level=3)  # mistake: options are one mapping
    plugin = run_plugin("plugin.py")
    plugin.hook(PeerDisconnect(error_message="no"))  # mistake: an answer is not an event
    plugin.notify(sample(PeerConnected).peer.direction)  # mistake: it may be None
    clnwire_host.db_write("DELETE FROM t", data_version="1")  # mistake: a version is a number


async def test_mistakes_with_a_loop(run_plugin_async: RunPluginAsync) -> None:
    plugin = await run_plugin_async("plugin.py")
    plugin.running.start_call(7)  # mistake: a method is a name
    await plugin.wait_for_log(level="info")  # mistake: which line
    await plugin.wait_for_topic("news", timeout="1")  # mistake: seconds are a number
