"""Mistakes in calls that a type checker must find: one on each line marked so. Never run."""

from __future__ import annotations

from clnwire import Plugin
from clnwire.rpc import AwaitableRpc, Rpc
from clnwire.types import Msat, PublicKey, Sat, Txid

plugin = Plugin()
node = PublicKey("02" + "00" * 32)


def blocking(rpc: Rpc) -> None:
    rpc.getinf()  # mistake: no such command
    rpc.getinfo(1)  # mistake: it takes nothing
    rpc.pay()  # mistake: what is to be paid?
    rpc.pay("lnbc1", Sat(1000))  # mistake: satoshis for millisatoshis
    rpc.pay("lnbc1", retries=5)  # mistake: no such parameter
    rpc.withdraw("bc1q", Msat(5000))  # mistake: millisatoshis for satoshis
    rpc.listpeerchannels(Txid("00" * 32))  # mistake: a transaction for a node
    rpc.listpeerchannels(id=5)  # mistake: a number for a node
    rpc.newaddr("p2pkh")  # mistake: no such kind of address
    rpc.wait("payments", "created", 1)  # mistake: no such subsystem
    rpc.multifundchannel([5])  # mistake: a number for a destination
    rpc.getinfo().node_id  # mistake: no such member  # noqa: B018
    rpc.getinfo().id = node  # mistake: replies do not change
    rpc.listpeerchannels().channels[0].to_us_msat + 1  # mistake: it may be absent
    rpc.call("getinfo", 5)  # mistake: params are an object or an array
    rpc.call("getinfo", timeout="5")  # mistake: seconds are a number
    rpc.options(on_message=lambda text: None)  # mistake: it is given the level, too
    rpc.options(filter={"id": True})  # mistake: only `call` has a filter


async def awaitable(rpc: AwaitableRpc) -> None:
    await rpc.getinf()  # mistake: no such command
    await rpc.pay("lnbc1", Sat(1000))  # mistake: satoshis for millisatoshis
    rpc.getinfo().id  # mistake: it was not awaited  # noqa: B018
    await rpc.waitanyinvoice("x")  # mistake: a text for a number


blocking(plugin.rpc)
