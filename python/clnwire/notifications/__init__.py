"""The daemon's topics. Each has a module with its event; other topics arrive as dicts.

An event's class has the topic's name. Where that name is taken, `Event` is added to it, as in
`LogEvent`.
"""

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "balance_snapshot": "AccountBalance BalanceSnapshot",
        "block_added": "BlockAdded",
        "channel_open_failed": "ChannelOpenFailed",
        "channel_opened": "ChannelOpened",
        "channel_state_changed": "ChannelStateChanged",
        "coin_movement": "CoinMovement",
        "connect": "Connect ConnectAddress",
        "custommsg": "CustomMsg",
        "deprecated_oneshot": "DeprecatedOneshot",
        "disconnect": "Disconnect",
        "forward_event": "ForwardEvent",
        "invoice_creation": "InvoiceCreation",
        "invoice_payment": "InvoicePaymentEvent",
        "log": "LogEvent",
        "onionmessage_forward_fail": "OnionMessageForwardFail",
        "openchannel_peer_sigs": "OpenChannelPeerSigs",
        "pay_part_end": "PayPartEnd",
        "pay_part_start": "PayPartHop PayPartStart",
        "plugin_started": "PluginStarted",
        "plugin_stopped": "PluginStopped",
        "sendpay_failure": "FailedPart SendPayFailure",
        "sendpay_success": "SendPaySuccess",
        "shutdown": "Shutdown",
        "warning": "WarningEvent",
        "_sendpay": "SentPart",
    },
)
