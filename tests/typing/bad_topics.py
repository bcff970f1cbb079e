"""For each topic: another event. One mistake on each line marked so."""

from __future__ import annotations

from clnwire import Plugin
from clnwire.notifications import (
    Connect,
    Disconnect,
)

plugin = Plugin()


@plugin.subscribe("balance_snapshot")  # mistake: another topic's event
def balance_snapshot(event: Connect) -> None: ...


@plugin.subscribe("block_added")  # mistake: another topic's event
def block_added(event: Connect) -> None: ...


@plugin.subscribe("channel_open_failed")  # mistake: another topic's event
def channel_open_failed(event: Connect) -> None: ...


@plugin.subscribe("channel_opened")  # mistake: another topic's event
def channel_opened(event: Connect) -> None: ...


@plugin.subscribe("channel_state_changed")  # mistake: another topic's event
def channel_state_changed(event: Connect) -> None: ...


@plugin.subscribe("coin_movement")  # mistake: another topic's event
def coin_movement(event: Connect) -> None: ...


@plugin.subscribe("connect")  # mistake: another topic's event
def connect(event: Disconnect) -> None: ...


@plugin.subscribe("custommsg")  # mistake: another topic's event
def custommsg(event: Connect) -> None: ...


@plugin.subscribe("deprecated_oneshot")  # mistake: another topic's event
def deprecated_oneshot(event: Connect) -> None: ...


@plugin.subscribe("disconnect")  # mistake: another topic's event
def disconnect(event: Connect) -> None: ...


@plugin.subscribe("forward_event")  # mistake: another topic's event
def forward_event(event: Connect) -> None: ...


@plugin.subscribe("invoice_creation")  # mistake: another topic's event
def invoice_creation(event: Connect) -> None: ...


@plugin.subscribe("invoice_payment")  # mistake: another topic's event
def invoice_payment(event: Connect) -> None: ...


@plugin.subscribe("log")  # mistake: another topic's event
def log(event: Connect) -> None: ...


@plugin.subscribe("onionmessage_forward_fail")  # mistake: another topic's event
def onionmessage_forward_fail(event: Connect) -> None: ...


@plugin.subscribe("openchannel_peer_sigs")  # mistake: another topic's event
def openchannel_peer_sigs(event: Connect) -> None: ...


@plugin.subscribe("pay_part_end")  # mistake: another topic's event
def pay_part_end(event: Connect) -> None: ...


@plugin.subscribe("pay_part_start")  # mistake: another topic's event
def pay_part_start(event: Connect) -> None: ...


@plugin.subscribe("plugin_started")  # mistake: another topic's event
def plugin_started(event: Connect) -> None: ...


@plugin.subscribe("plugin_stopped")  # mistake: another topic's event
def plugin_stopped(event: Connect) -> None: ...


@plugin.subscribe("sendpay_failure")  # mistake: another topic's event
def sendpay_failure(event: Connect) -> None: ...


@plugin.subscribe("sendpay_success")  # mistake: another topic's event
def sendpay_success(event: Connect) -> None: ...


@plugin.subscribe("shutdown")  # mistake: another topic's event
def shutdown(event: Connect) -> None: ...


@plugin.subscribe("warning")  # mistake: another topic's event
def warning(event: Connect) -> None: ...
