"""The typed client in a plugin, with the embedded host as the daemon."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from clnwire import RpcError
from clnwire.host import Delivery, Host
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


def test_in_handlers(path):
    ids = []

    async def main():
        async with Host() as host:

            @host.command("getinfo")
            async def getinfo(params, caller):
                ids.append(json.loads(caller.token))
                await asyncio.sleep(0.05)
                return GETINFO

            await host.start(path)
            assert await host.call("network", id="cli:network#7") == "regtest"
            assert await host.call("network-in-a-loop", [20]) == ["regtest"] * 20

    asyncio.run(main())
    assert ids[0].startswith("cli:network#7/cln:network#")
    assert ids[0].endswith("/caller.py:getinfo#1")
    assert len(set(ids)) == 21


def test_a_timeout_is_an_error_reply(path):
    async def main():
        async with Host() as host:
            host.command("getinfo")(Delivery(GETINFO, delay=5))
            await host.start(path)
            with pytest.raises(RpcError, match="getinfo: there was no reply within"):
                await host.call("impatient")

    asyncio.run(main())
