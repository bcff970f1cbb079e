"""What a type checker knows of the daemon's commands. Checked, never run."""

from __future__ import annotations

from typing import Any

import msgspec
from typing_extensions import assert_type

from clnwire import Plugin
from clnwire.commands.getinfo import GetinfoReply
from clnwire.commands.getroute import GetrouteRoute
from clnwire.commands.invoice import InvoiceReply
from clnwire.commands.listpeerchannels import ListpeerchannelsChannels, ListpeerchannelsReply
from clnwire.commands.multifundchannel import MultifundchannelRequestDestinations
from clnwire.commands.pay import PayReply
from clnwire.commands.waitanyinvoice import WaitanyinvoiceReply
from clnwire.rpc import AwaitableRpc, Rpc, connect
from clnwire.types import U32, Hash, Msat, PublicKey, Sat, ShortChannelId, Txid

plugin = Plugin()
node = PublicKey("02" + "00" * 32)


class Version(msgspec.Struct):
    version: str


def blocking(rpc: Rpc) -> None:
    assert_type(rpc.getinfo(), GetinfoReply)
    assert_type(rpc.getinfo().fees_collected_msat, Msat)
    assert_type(rpc.getinfo().lightning_dir, str)
    assert_type(rpc.listpeerchannels(), ListpeerchannelsReply)
    assert_type(rpc.listpeerchannels(node), ListpeerchannelsReply)
    assert_type(rpc.listpeerchannels(id=node).channels, list[ListpeerchannelsChannels])
    for channel in rpc.listpeerchannels().channels:
        assert_type(channel.short_channel_id, ShortChannelId | None)
        assert_type(channel.peer_id, PublicKey)
        assert_type(channel.to_us_msat, Msat | None)
    assert_type(rpc.pay("lnbc1"), PayReply)
    assert_type(rpc.pay("lnbc1", Msat(1000), retry_for=30), PayReply)
    assert_type(rpc.pay("lnbc1", amount_msat="10sat"), PayReply)
    assert_type(rpc.invoice("any", 7, "for you"), InvoiceReply)
    assert_type(rpc.invoice(Msat(1), "label", "for you", expiry=60), InvoiceReply)
    assert_type(rpc.withdraw("bc1q", Sat(5000)).psbt, str)
    assert_type(rpc.withdraw("bc1q", "all", feerate="slow").txid, Txid)
    assert_type(rpc.close("103x1x0").type, str)
    route = rpc.getroute(node, Msat(1000), 10).route
    assert_type(route, list[GetrouteRoute])
    rpc.sendpay(route, Hash("00" * 32))
    rpc.sendpay([{"id": node, "channel": "103x1x0", "amount_msat": 1}], Hash("00" * 32))
    rpc.multifundchannel([MultifundchannelRequestDestinations("02@host", Sat(20_000))])
    rpc.multifundchannel([{"id": "02@host", "amount": "all"}])
    rpc.plugin("list")
    assert_type(rpc.commando(node, "getinfo"), Any)
    assert_type(rpc.call("summary"), Any)
    assert_type(rpc.call("getinfo", type=Version), Version)
    assert_type(rpc.call("getinfo", [], type=dict[str, int], timeout=5), dict[str, int])
    assert_type(rpc.options(timeout=5).getinfo(), GetinfoReply)
    rpc.options(on_message=lambda text, level: print(text.upper(), level.upper()))
    rpc.options(on_progress=lambda done, total, stage: print(done / total, stage and stage[0]))


async def awaitable(rpc: AwaitableRpc) -> None:
    assert_type(await rpc.getinfo(), GetinfoReply)
    assert_type((await rpc.getinfo()).num_peers, U32)
    assert_type(await rpc.listpeerchannels(id=node), ListpeerchannelsReply)
    assert_type(await rpc.waitanyinvoice(lastpay_index=5, timeout=60), WaitanyinvoiceReply)
    assert_type(await rpc.pay("lnbc1", Msat(1000)), PayReply)
    assert_type(await rpc.call("getinfo", type=Version), Version)
    assert_type(await rpc.call("getinfo"), Any)
    assert_type(await rpc.options(timeout=5).getinfo(), GetinfoReply)


def a_program() -> None:
    with connect("lightning-rpc") as rpc:
        assert_type(rpc, Rpc)


async def an_async_program() -> None:
    async with connect("lightning-rpc", max_connections=4) as rpc:
        assert_type(rpc, AwaitableRpc)


blocking(plugin.rpc)
assert_type(plugin.rpc.aio, AwaitableRpc)
