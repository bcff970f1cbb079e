"""Topic names → what clnwire knows of them. Modules are imported when their topic is subscribed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_TYPED = {"connect": "Connect", "disconnect": "Disconnect"}

NATIVE = frozenset(
    [
        "balance_snapshot",
        "block_added",
        "channel_open_failed",
        "channel_opened",
        "channel_state_changed",
        "coin_movement",
        "connect",
        "custommsg",
        "deprecated_oneshot",
        "disconnect",
        "forward_event",
        "invoice_creation",
        "invoice_payment",
        "log",
        "onionmessage_forward_fail",
        "openchannel_peer_sigs",
        "plugin_started",
        "plugin_stopped",
        "sendpay_failure",
        "sendpay_success",
        "shutdown",
        "warning",
    ]
)
"""The daemon's own topics, which only it may publish; any other is another plugin's."""


def topic_event(topic: str) -> tuple[Any, Any] | None:
    """The Struct of a topic's payload and its decoder; `None` if it is taken as a dict."""
    if topic not in _TYPED:
        return None
    module = import_module(f"clnwire.notifications.{topic}")
    return getattr(module, _TYPED[topic]), module.decode
