"""Three real nodes with channels: every hook and every topic arrives typed, and the embedded host
sends the same bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from clnwire.hooks._catalogue import HOOKS
from clnwire.host import Host
from clnwire.notifications._catalogue import TYPED
from tests.examples.conftest import EXAMPLES
from tests.host.test_captures import kind, part, unnumbered
from tests.node.node import Node, until
from tests.node.scenario import Recorded, on_one_connection
from tests.node.test_payments import mine, pay

pytestmark = [
    pytest.mark.process,
    pytest.mark.needs_node("it has no peers, channels or payments"),
]

PAYMENTS: Final = frozenset(
    """
    hook commitment_revocation, hook custommsg, hook db_write, hook htlc_accepted,
    hook invoice_payment, hook onion_message_recv, hook onion_message_recv_secret, hook openchannel,
    hook peer_connected, hook rpc_command, topic balance_snapshot, topic block_added,
    topic channel_opened, topic channel_state_changed, topic coin_movement, topic connect,
    topic custommsg, topic deprecated_oneshot, topic disconnect, topic forward_event,
    topic invoice_creation, topic invoice_payment, topic log, topic onionmessage_forward_fail,
    topic pay_part_end, topic pay_part_start, topic plugin_started, topic plugin_stopped,
    topic sendpay_failure, topic sendpay_success, topic shutdown, topic warning
    """.replace("\n    ", " ")
    .strip()
    .split(", ")
)
DUAL_FUNDING: Final = frozenset(
    """
    hook openchannel2, hook openchannel2_changed, hook openchannel2_sign, hook rbf_channel,
    topic channel_open_failed, topic openchannel_peer_sigs
    """.replace("\n    ", " ")
    .strip()
    .split(", ")
)
RECOVERY: Final = frozenset({"hook recover"})

WATCHER: Final = """
from clnwire import Plugin
from clnwire.hooks import *
from clnwire.hooks._catalogue import HOOKS
from clnwire.notifications._catalogue import TYPED

plugin = Plugin(dynamic=False)

def note(kind, name, event):
    # Not to the log, whose lines are events, too.
    with open(__file__ + ".seen", "a") as seen:
        print(kind, type(event).__module__.rpartition(".")[2], file=seen)

def watch(name):
    @plugin.hook(name)
    def on_hook(event):
        note("hook", name, event)
        if name == "openchannel2_changed":
            return OpenChannel2ChangedContinue(psbt=event.openchannel2_changed.psbt)
        if name == "openchannel2_sign":
            return OpenChannel2SignContinue(psbt=event.openchannel2_sign.psbt)
        if name == "htlc_accepted" and event.htlc.amount_msat == 666:
            return HtlcFail(failure_message="2002")
        return CONTINUE

def hear(name):
    @plugin.subscribe(name)
    def on_topic(event):
        note("topic", name, event)

# A plugin with db_write has nothing else.
if not IS_WRITER:
    @plugin.method("touch")
    def touch() -> None: ...

for name in ["db_write"] if IS_WRITER else HOOKS - {"db_write"}:
    watch(name)
for name in [] if IS_WRITER else TYPED:
    hear(name)
plugin.run()
"""


class Watched:
    """A node with recorded plugins that have all hooks and hear all topics."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.plugins = [
            Recorded(node.folder, name, f"IS_WRITER = {is_writer}\n{WATCHER}")
            for name, is_writer in (("watcher", False), ("writer", True))
        ]

    def start(self, *options: str) -> None:
        self.node.start(*options, important=tuple(each.path for each in self.plugins))

    def seen(self) -> set[str]:
        """The hooks and topics, by the types that the handlers were given."""
        files = [Path(f"{plugin.bare}.seen") for plugin in self.plugins]
        return {line for file in files if file.exists() for line in file.read_text().splitlines()}


def join(nodes: list[Watched], *options: str) -> None:
    """Starts them, gives each coins, and connects each with the next one."""
    for each in nodes:
        each.start(*options)
    for each in nodes:
        mine(each.node, 2, each.node.call("newaddr")["p2tr"])
    mine(nodes[0].node, 105)
    height = nodes[0].node.call("getinfo")["blockheight"]
    for each in nodes:
        until(lambda each=each: each.node.call("getinfo")["blockheight"] == height)
        until(lambda each=each: each.node.call("listfunds")["outputs"])
    for one, other in pairwise(nodes):
        meet(one.node, other.node)


def meet(one: Node, other: Node) -> None:
    there = other.call("getinfo")
    one.call("connect", [there["id"], "127.0.0.1", there["binding"][0]["port"]])


def id_of(node: Node) -> str:
    found: str = node.call("getinfo")["id"]
    return found


def channels_of(node: Node) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node.call("listpeerchannels")["channels"]
    return found


def end(nodes: list[Watched], expected: frozenset[str]) -> None:
    """Stops them; all that was expected has come, typed, and the host sends the same."""
    for each in nodes:
        assert each.node.stop() == 0
    assert expected - set().union(*(each.seen() for each in nodes)) == set()
    for each in nodes:
        assert "**BROKEN** plugin-w" not in each.node.log
        for plugin in each.plugins:
            asyncio.run(_sent_again(plugin))


async def _sent_again(plugin: Recorded) -> None:
    """Has the embedded host send the first event of each kind to the same plugin."""
    frames: dict[str, str] = {}
    for frame in plugin.received():
        frames.setdefault(kind(json.loads(frame)).partition(" ")[0], frame)
    sent: list[str] = []

    def trace(direction: str, _: str, frame: bytes) -> None:
        if direction == "in":
            sent.append(unnumbered(frame.decode()))

    async with Host(on_trace=trace) as host:
        await host.start(plugin.bare, important=True)
        for name, frame in frames.items():
            topic = name.removeprefix("*")
            if name.startswith("*") and topic != "shutdown":
                origin = json.loads(frame).get("origin")
                names = ("params", topic) if origin is None else ("params",)
                host.notify(topic, part(frame, *names), origin=origin)
            elif name == "db_write":
                params = json.loads(part(frame, "params"))
                await host.db_write(params["writes"], data_version=params["data_version"])
            elif name in HOOKS:
                await host.hook(name, part(frame, "params"))
            else:
                continue
            assert unnumbered(frame) in sent[-2:], name


@pytest.mark.promise(
    "three real nodes open channels, pay, fail, reconnect and recover",
    "every hook and every topic of lightningd comes, typed",
)
@pytest.mark.timeout(300)
def test_payments_over_two_hops(new_node: Callable[[str], Node]) -> None:
    nodes = [Watched(new_node(name)) for name in ("alice", "bob", "carol")]
    alice, bob, carol = (each.node for each in nodes)
    join(nodes)
    for one, other in ((alice, bob), (bob, carol)):
        one.call("fundchannel", {"id": id_of(other), "amount": 1_000_000})
    mine(alice, 6)
    for node in (alice, bob, carol):
        until(lambda node=node: {c["state"] for c in channels_of(node)} == {"CHANNELD_NORMAL"})
    until(lambda: len(alice.call("listchannels")["channels"]) == 4)
    assert "result" in pay(alice, carol, 10_000, "xpay")
    assert "error" in pay(alice, carol, 666, "refused")
    for label, msat, outcome in (("pay", 3000, "result"), ("refused by pay", 666, "error")):
        invoice = {"amount_msat": msat, "label": label, "description": "d"}
        bolt11 = carol.call("invoice", invoice)["bolt11"]
        assert outcome in alice.answer("pay", {"bolt11": bolt11, "retry_for": 1})
    alice.call("sendcustommsg", [id_of(bob), "77770102"])
    offer = carol.call("offer", {"amount": "any", "description": "o"})["bolt12"]
    asked = {"offer": offer, "amount_msat": 1000, "timeout": 1}
    assert "result" in alice.answer("fetchinvoice", {**asked, "timeout": 10})
    request = alice.call("invoicerequest", {"amount": 1000, "description": "r"})["bolt12"]
    alice.answer("dev-rawrequest", {"invreq": request, "nodeid": id_of(bob), "timeout": 1})
    on_one_connection(alice, ("deprecations", [True]), ("touch", []))
    alice.call("plugin", ["start", str(EXAMPLES / "hello.py")])
    alice.call("plugin", ["stop", "hello.py"])
    bob.call("disconnect", {"id": id_of(carol), "force": True})
    alice.answer("fetchinvoice", asked)
    # What was cut off comes back.
    meet(bob, carol)
    until(lambda: all(channel["peer_connected"] for channel in channels_of(carol)))
    assert "result" in pay(alice, carol, 20_000, "again")
    end(nodes, PAYMENTS)


@pytest.mark.promise("three real nodes open channels, pay, fail, reconnect and recover")
def test_dual_funding(new_node: Callable[[str], Node]) -> None:
    nodes = [Watched(new_node(name)) for name in ("dave", "erin")]
    dave, erin = (each.node for each in nodes)
    join(nodes, "--experimental-dual-fund")
    dave.call("fundchannel", {"id": id_of(erin), "amount": 1_000_000, "feerate": "1000perkw"})
    (channel,) = channels_of(dave)
    coins = [o for o in dave.call("listfunds")["outputs"] if o["status"] == "confirmed"]
    psbt = dave.call(
        "utxopsbt",
        {
            "satoshi": 1_000_000,
            "feerate": "4000perkw",
            "startweight": 600,
            "utxos": [f"{coins[0]['txid']}:{coins[0]['output']}"],
            "reservedok": True,
            "excess_as_change": True,
        },
    )["psbt"]
    bump = {"channel_id": channel["channel_id"], "amount": 1_000_000, "initialpsbt": psbt}
    dave.call("openchannel_bump", {**bump, "funding_feerate": "4000perkw"})
    dave.call("openchannel_abort", [channel["channel_id"]])
    end(nodes, DUAL_FUNDING)


@pytest.mark.promise("three real nodes open channels, pay, fail, reconnect and recover")
def test_recovery(new_node: Callable[[str], Node]) -> None:
    frank = Watched(new_node("frank"))
    frank.start("--recover=" + "01" * 32)
    end([frank], RECOVERY)


def test_all_of_them() -> None:
    """What the tests of this file have seen is all that there is."""
    known = {f"hook {name}" for name in HOOKS} | {f"topic {name}" for name in TYPED}
    assert known == PAYMENTS | DUAL_FUNDING | RECOVERY
