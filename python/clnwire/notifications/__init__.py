"""The daemon's topics: each in its module, with its event. One that has none arrives as a dict.

An event has its topic's name; with `Event` behind it, where that name alone means something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.lazy import lazy

if TYPE_CHECKING:
    from clnwire.notifications._sendpay import SentPart
    from clnwire.notifications.balance_snapshot import AccountBalance, BalanceSnapshot
    from clnwire.notifications.block_added import BlockAdded
    from clnwire.notifications.channel_open_failed import ChannelOpenFailed
    from clnwire.notifications.channel_opened import ChannelOpened
    from clnwire.notifications.channel_state_changed import ChannelStateChanged
    from clnwire.notifications.coin_movement import CoinMovement
    from clnwire.notifications.connect import Connect, ConnectAddress
    from clnwire.notifications.custommsg import CustomMsg
    from clnwire.notifications.deprecated_oneshot import DeprecatedOneshot
    from clnwire.notifications.disconnect import Disconnect
    from clnwire.notifications.forward_event import ForwardEvent
    from clnwire.notifications.invoice_creation import InvoiceCreation
    from clnwire.notifications.invoice_payment import InvoicePaymentEvent
    from clnwire.notifications.log import LogEvent
    from clnwire.notifications.onionmessage_forward_fail import OnionMessageForwardFail
    from clnwire.notifications.openchannel_peer_sigs import OpenChannelPeerSigs
    from clnwire.notifications.pay_part_end import PayPartEnd
    from clnwire.notifications.pay_part_start import PayPartHop, PayPartStart
    from clnwire.notifications.plugin_started import PluginStarted
    from clnwire.notifications.plugin_stopped import PluginStopped
    from clnwire.notifications.sendpay_failure import FailedPart, SendPayFailure
    from clnwire.notifications.sendpay_success import SendPaySuccess
    from clnwire.notifications.shutdown import Shutdown
    from clnwire.notifications.warning import WarningEvent

__all__ = [
    "AccountBalance",
    "BalanceSnapshot",
    "BlockAdded",
    "ChannelOpenFailed",
    "ChannelOpened",
    "ChannelStateChanged",
    "CoinMovement",
    "Connect",
    "ConnectAddress",
    "CustomMsg",
    "DeprecatedOneshot",
    "Disconnect",
    "FailedPart",
    "ForwardEvent",
    "InvoiceCreation",
    "InvoicePaymentEvent",
    "LogEvent",
    "OnionMessageForwardFail",
    "OpenChannelPeerSigs",
    "PayPartEnd",
    "PayPartHop",
    "PayPartStart",
    "PluginStarted",
    "PluginStopped",
    "SendPayFailure",
    "SendPaySuccess",
    "SentPart",
    "Shutdown",
    "WarningEvent",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy(
        __name__,
        {
            "balance_snapshot": (
                "AccountBalance",
                "BalanceSnapshot",
            ),
            "block_added": ("BlockAdded",),
            "channel_open_failed": ("ChannelOpenFailed",),
            "channel_opened": ("ChannelOpened",),
            "channel_state_changed": ("ChannelStateChanged",),
            "coin_movement": ("CoinMovement",),
            "connect": (
                "Connect",
                "ConnectAddress",
            ),
            "custommsg": ("CustomMsg",),
            "deprecated_oneshot": ("DeprecatedOneshot",),
            "disconnect": ("Disconnect",),
            "forward_event": ("ForwardEvent",),
            "invoice_creation": ("InvoiceCreation",),
            "invoice_payment": ("InvoicePaymentEvent",),
            "log": ("LogEvent",),
            "onionmessage_forward_fail": ("OnionMessageForwardFail",),
            "openchannel_peer_sigs": ("OpenChannelPeerSigs",),
            "pay_part_end": ("PayPartEnd",),
            "pay_part_start": (
                "PayPartHop",
                "PayPartStart",
            ),
            "plugin_started": ("PluginStarted",),
            "plugin_stopped": ("PluginStopped",),
            "sendpay_failure": (
                "FailedPart",
                "SendPayFailure",
            ),
            "sendpay_success": ("SendPaySuccess",),
            "shutdown": ("Shutdown",),
            "warning": ("WarningEvent",),
            "_sendpay": ("SentPart",),
        },
    )
