"""The daemon's notifications: each topic in its module. One that has none arrives as a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._lazy import lazy

if TYPE_CHECKING:
    from clnwire.notifications.connect import Connect, ConnectAddress
    from clnwire.notifications.disconnect import Disconnect

__all__ = ["Connect", "ConnectAddress", "Disconnect"]

if not TYPE_CHECKING:
    __getattr__ = lazy(
        __name__, {"connect": ("Connect", "ConnectAddress"), "disconnect": ("Disconnect",)}
    )
