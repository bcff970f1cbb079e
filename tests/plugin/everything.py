"""A plugin with every hook, every topic, one method and the options of the recorded one."""

from __future__ import annotations

from typing import Any

from clnwire import Notification, Plugin, RpcError
from clnwire._wire.structs import Event
from clnwire.hooks import (
    CONTINUE,
    Continue,
    HtlcAccepted,
    InvoicePayment,
    OpenChannel2Changed,
    OpenChannel2ChangedContinue,
    OpenChannel2Sign,
    OpenChannel2SignContinue,
    PeerConnected,
)
from clnwire.notifications import Connect, Disconnect
from clnwire.notifications._catalogue import TYPED

plugin = Plugin()
plugin.option("greeting", "World", description="Whom to greet")
plugin.option("cap-int", 7)
plugin.option("cap-bool", True)
plugin.option("cap-flag", type="flag")
plugin.option("cap-multi", multi=True)
plugin.option("cap-dyn", "d", dynamic=True)


@plugin.method("hello")
def hello(name: str = "World") -> str:
    if name == "fail":
        raise RpcError(-1, "as asked")
    return f"Hello {name}"


def go_on(event: Any) -> Continue:
    assert isinstance(event, Event), "no hook of the recording is unknown"
    return CONTINUE


for name in ("rpc_command", "custommsg", "recover", "openchannel", "openchannel2", "rbf_channel"):
    plugin.hook(name)(go_on)
for name in ("commitment_revocation", "onion_message_recv", "onion_message_recv_secret"):
    plugin.hook(name)(go_on)


@plugin.hook("openchannel2_changed")
def on_changed(event: OpenChannel2Changed) -> OpenChannel2ChangedContinue:
    return OpenChannel2ChangedContinue(event.openchannel2_changed.psbt)


@plugin.hook("openchannel2_sign")
def on_sign(event: OpenChannel2Sign) -> OpenChannel2SignContinue:
    return OpenChannel2SignContinue(event.openchannel2_sign.psbt)


@plugin.hook("htlc_accepted")
def on_htlc(event: HtlcAccepted) -> Continue:
    assert event.htlc.amount_msat > 0
    return CONTINUE


@plugin.hook("invoice_payment")
def on_payment(event: InvoicePayment) -> Continue:
    assert event.payment.msat > 0
    return CONTINUE


@plugin.hook("peer_connected")
def on_peer(event: PeerConnected) -> Continue:
    assert event.peer.direction in ("in", "out")
    return CONTINUE


@plugin.subscribe("connect")
def on_connect(event: Connect) -> None:
    assert event.address.port is not None


@plugin.subscribe("disconnect")
def on_disconnect(event: Disconnect) -> None:
    assert len(event.id) == 66


def on_event(event: Any) -> None:
    assert isinstance(event, Event)


for topic in TYPED - {"connect", "disconnect"}:
    plugin.subscribe(topic)(on_event)


@plugin.subscribe("*")
def on_any(event: Any, about: Notification) -> None:
    assert about.topic


plugin.run()
