"""Two real nodes with a channel: hooks and topics arrive typed, and payments go through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.node.node import Node, script, until

WATCHER = """
from clnwire import Plugin
from clnwire.hooks import *
from clnwire.notifications import *

plugin = Plugin()

@plugin.hook("peer_connected")
def on_peer(event: PeerConnected):
    plugin.log(f"peer {event.peer.id}")
    return CONTINUE

@plugin.hook("openchannel")
def on_open(event: OpenChannel):
    plugin.log(f"open {event.openchannel.funding_msat}")
    return CONTINUE

@plugin.hook("htlc_accepted")
def on_htlc(event: HtlcAccepted):
    if event.htlc.amount_msat == 666:
        return HtlcFail(failure_message="2002")
    return CONTINUE

@plugin.hook("invoice_payment")
def on_payment(event: InvoicePayment):
    plugin.log(f"paid {event.payment.label} {event.payment.msat}")
    return CONTINUE

@plugin.subscribe("channel_state_changed")
def on_state(event: ChannelStateChanged) -> None:
    plugin.log(f"state {event.new_state}")

@plugin.subscribe("block_added")
def on_block(event: BlockAdded) -> None:
    plugin.log(f"block {event.height}")

@plugin.method("channels")
async def channels() -> int:
    return len((await plugin.rpc.aio.listpeerchannels()).channels)

plugin.run()
"""

pytestmark = pytest.mark.needs_node("it has no peers, channels or payments")


def mine(node: Node, blocks: int, *address: str) -> None:
    """Mines, and waits until the node has seen it."""
    height = node.call("regtest-mine", [blocks, *address])["height"]
    until(lambda: node.call("getinfo")["blockheight"] == height)


def pay(payer: Node, payee: Node, msat: int, label: str) -> dict[str, Any]:
    """Pays an invoice; gives the whole reply."""
    invoice = {"amount_msat": msat, "label": label, "description": label}
    return payer.answer("xpay", [payee.call("invoice", invoice)["bolt11"]])


@pytest.mark.promise(
    "two real nodes with a channel",
    "hooks and topics arrive typed, and payments go through",
)
def test_a_channel_and_payments(new_node: Callable[[str], Node], folder: Path) -> None:
    payer, payee = new_node("payer"), new_node("payee")
    payer.start()
    payee.start(important=(script(folder / "watcher.py", WATCHER),))
    mine(payer, 1, payer.call("newaddr")["p2tr"])
    mine(payer, 110)
    until(lambda: payer.call("listfunds")["outputs"])
    until(lambda: payee.call("getinfo")["blockheight"] == 111)
    other = payee.call("getinfo")
    payer.call("connect", [other["id"], "127.0.0.1", other["binding"][0]["port"]])
    payer.call("fundchannel", {"id": other["id"], "amount": 1_000_000})
    mine(payer, 6)
    for node in (payer, payee):
        until(lambda node=node: "to CHANNELD_NORMAL" in node.log)

    assert "result" in pay(payer, payee, 10_000, "first")
    assert "error" in pay(payer, payee, 666, "refused")
    assert "result" in pay(payer, payee, 20_000, "second")

    assert payee.call("channels") == 1
    me = payer.call("getinfo")["id"]
    for line in (f"peer {me}", "open 1000000000", "state CHANNELD_NORMAL", "block 117"):
        until(lambda line=line: f"watcher.py: {line}" in payee.log)
    until(lambda: "paid second 20000" in payee.log)
    assert "BROKEN" not in "".join(line for line in payee.log.splitlines() if "watcher" in line)
    assert payee.stop() == 0
