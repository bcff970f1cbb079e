"""The typed client in a plugin, with the embedded host as the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clnwire import RpcError
from clnwire.host import Delivery
from tests.rpc.node import GETINFO

PLUGIN = """\
#!/usr/bin/env python3
import asyncio
from clnwire import Plugin
plugin = Plugin()

@plugin.method("network")
def network() -> str:
    return plugin.rpc.getinfo().network

@plugin.method("network-in-a-loop")
def in_a_loop(times: int) -> list[str]:
    async def main():
        replies = await asyncio.gather(*(plugin.rpc.aio.getinfo() for _ in range(times)))
        return [reply.network for reply in replies]
    return asyncio.run(main())

@plugin.method("impatient")
def impatient() -> str:
    return plugin.rpc.options(timeout=0.1).getinfo().network

plugin.run()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "caller.py"
    file.write_text(PLUGIN)
    return file


def test_in_handlers(path, run_plugin, clnwire_host):
    clnwire_host.answer("getinfo", Delivery(GETINFO, delay=0.05))
    plugin = run_plugin(path)
    assert clnwire_host.call("network", id="cli:network#7") == "regtest"
    assert plugin.call("network-in-a-loop", [20]) == ["regtest"] * 20
    ids = [call.id for call in clnwire_host.calls]
    assert ids[0].startswith("cli:network#7/cln:network#")
    assert ids[0].endswith("/caller.py:getinfo#1")
    assert len(set(ids)) == 21


def test_a_timeout_is_an_error_reply(path, run_plugin, clnwire_host):
    clnwire_host.answer("getinfo", Delivery(GETINFO, delay=5))
    plugin = run_plugin(path)
    with pytest.raises(RpcError, match="getinfo: there was no reply within"):
        plugin.call("impatient")


ASYNC_PLUGIN = """\
#!/usr/bin/env python3
import asyncio
from clnwire import Plugin
from clnwire.hooks import CONTINUE, RpcCommand, RpcCommandReturn
plugin = Plugin()

@plugin.method("network")
async def network(pause: float) -> str:
    await asyncio.sleep(pause)
    return (await plugin.rpc.aio.getinfo()).network

@plugin.method("blocking")
async def blocking() -> str:
    return plugin.rpc.getinfo().network

@plugin.hook("rpc_command")
async def on_command(event: RpcCommand):
    if event.rpc_command.method != "listpeers":
        return CONTINUE
    # The daemon asks this hook about getinfo, too.
    info = await plugin.rpc.aio.getinfo()
    return RpcCommandReturn.result({"asked": info.network})

plugin.run()
"""


def test_awaiting_in_async_handlers(tmp_path, run_plugin, clnwire_host):
    path = tmp_path / "waiter.py"
    path.write_text(ASYNC_PLUGIN)
    clnwire_host.answer("getinfo", GETINFO)
    plugin = run_plugin(path)
    assert plugin.call("listpeers") == {"asked": "regtest"}
    before = len(clnwire_host.calls)

    def together(*calls):
        async def gathered():
            return await asyncio.gather(
                *(clnwire_host.host.call(*c, **named) for c, named in calls)
            )

        return clnwire_host.run(gathered())

    # Each pauses longer than the next, so that the calls come in the other order.
    calls = ((("network", [(20 - n) / 100]), {"id": f"cli:network#{n}"}) for n in range(20))
    assert together(*calls) == ["regtest"] * 20
    ids = [call.id.split("/")[0] for call in clnwire_host.calls[before:]]
    with pytest.raises(RpcError, match=r"block the event loop.*rpc\.aio has the same"):
        plugin.call("blocking")
    # A hundred at once are more than there are connections: a handler waits for none.
    assert together(*[(("listpeers",), {})] * 100) == [{"asked": "regtest"}] * 100
    assert sorted(ids) == sorted(f"cli:network#{n}" for n in range(20))
    assert ids[0] != "cli:network#0", "each call has the id of its own request"


def test_a_loop_of_a_plain_handler_is_refused_where_it_would_wait_for_itself(
    tmp_path, run_plugin, clnwire_host
):
    path = tmp_path / "caller.py"
    hook = """
@plugin.hook("rpc_command", filters=["getinfo"])
def on_command(event):
    from clnwire.hooks import CONTINUE
    return CONTINUE

plugin.run()
"""
    path.write_text(PLUGIN.replace("\nplugin.run()\n", hook))
    clnwire_host.answer("getinfo", GETINFO)
    plugin = run_plugin(path)
    for call in (("network", []), ("network-in-a-loop", [1])):
        with pytest.raises(RpcError, match="own rpc_command hook first"):
            plugin.call(*call)
