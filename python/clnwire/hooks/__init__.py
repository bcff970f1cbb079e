"""The daemon's hooks. Each has a module with its event, its answers and its safe answer.

For a hook without a module here, the handler receives a dict and returns one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.lazy import lazy
from clnwire.hooks._spec import CONTINUE, Continue, Refuse

if TYPE_CHECKING:
    from clnwire.hooks._channel_type import ChannelType
    from clnwire.hooks._onion_message import (
        BlindedHop,
        BlindedPath,
        OnionField,
        OnionMessage,
        OnionMessageHandled,
    )
    from clnwire.hooks.commitment_revocation import CommitmentRevocation
    from clnwire.hooks.custommsg import CustomMsg
    from clnwire.hooks.db_write import DbWrite
    from clnwire.hooks.htlc_accepted import (
        Htlc,
        HtlcAccepted,
        HtlcContinue,
        HtlcFail,
        HtlcFailOnion,
        HtlcOnion,
        HtlcResolve,
    )
    from clnwire.hooks.invoice_payment import (
        InvoicePayment,
        InvoicePaymentDetails,
        InvoicePaymentFail,
        InvoicePaymentReject,
    )
    from clnwire.hooks.onion_message_recv import OnionMessageRecv
    from clnwire.hooks.onion_message_recv_secret import OnionMessageRecvSecret, SecretOnionMessage
    from clnwire.hooks.openchannel import (
        OpenChannel,
        OpenChannelContinue,
        OpenChannelDetails,
        OpenChannelReject,
    )
    from clnwire.hooks.openchannel2 import (
        OpenChannel2,
        OpenChannel2Continue,
        OpenChannel2Details,
        OpenChannel2Reject,
    )
    from clnwire.hooks.openchannel2_changed import (
        OpenChannel2Changed,
        OpenChannel2ChangedContinue,
        OpenChannel2ChangedDetails,
    )
    from clnwire.hooks.openchannel2_sign import (
        OpenChannel2Sign,
        OpenChannel2SignContinue,
        OpenChannel2SignDetails,
    )
    from clnwire.hooks.peer_connected import ConnectedPeer, PeerConnected, PeerDisconnect
    from clnwire.hooks.rbf_channel import (
        RbfChannel,
        RbfChannelContinue,
        RbfChannelDetails,
        RbfChannelReject,
    )
    from clnwire.hooks.recover import Recover
    from clnwire.hooks.rpc_command import (
        RpcCommand,
        RpcCommandReplace,
        RpcCommandReturn,
        RpcFailure,
        RpcReply,
        RpcRequest,
    )

__all__ = [
    "CONTINUE",
    "BlindedHop",
    "BlindedPath",
    "ChannelType",
    "CommitmentRevocation",
    "ConnectedPeer",
    "Continue",
    "CustomMsg",
    "DbWrite",
    "Htlc",
    "HtlcAccepted",
    "HtlcContinue",
    "HtlcFail",
    "HtlcFailOnion",
    "HtlcOnion",
    "HtlcResolve",
    "InvoicePayment",
    "InvoicePaymentDetails",
    "InvoicePaymentFail",
    "InvoicePaymentReject",
    "OnionField",
    "OnionMessage",
    "OnionMessageHandled",
    "OnionMessageRecv",
    "OnionMessageRecvSecret",
    "OpenChannel",
    "OpenChannel2",
    "OpenChannel2Changed",
    "OpenChannel2ChangedContinue",
    "OpenChannel2ChangedDetails",
    "OpenChannel2Continue",
    "OpenChannel2Details",
    "OpenChannel2Reject",
    "OpenChannel2Sign",
    "OpenChannel2SignContinue",
    "OpenChannel2SignDetails",
    "OpenChannelContinue",
    "OpenChannelDetails",
    "OpenChannelReject",
    "PeerConnected",
    "PeerDisconnect",
    "RbfChannel",
    "RbfChannelContinue",
    "RbfChannelDetails",
    "RbfChannelReject",
    "Recover",
    "Refuse",
    "RpcCommand",
    "RpcCommandReplace",
    "RpcCommandReturn",
    "RpcFailure",
    "RpcReply",
    "RpcRequest",
    "SecretOnionMessage",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy(
        __name__,
        {
            "_channel_type": ("ChannelType",),
            "_onion_message": (
                "BlindedHop",
                "BlindedPath",
                "OnionField",
                "OnionMessage",
                "OnionMessageHandled",
            ),
            "commitment_revocation": ("CommitmentRevocation",),
            "custommsg": ("CustomMsg",),
            "db_write": ("DbWrite",),
            "htlc_accepted": (
                "Htlc",
                "HtlcAccepted",
                "HtlcContinue",
                "HtlcFail",
                "HtlcFailOnion",
                "HtlcOnion",
                "HtlcResolve",
            ),
            "invoice_payment": (
                "InvoicePayment",
                "InvoicePaymentDetails",
                "InvoicePaymentFail",
                "InvoicePaymentReject",
            ),
            "onion_message_recv": ("OnionMessageRecv",),
            "onion_message_recv_secret": (
                "OnionMessageRecvSecret",
                "SecretOnionMessage",
            ),
            "openchannel": (
                "OpenChannel",
                "OpenChannelContinue",
                "OpenChannelDetails",
                "OpenChannelReject",
            ),
            "openchannel2": (
                "OpenChannel2",
                "OpenChannel2Continue",
                "OpenChannel2Details",
                "OpenChannel2Reject",
            ),
            "openchannel2_changed": (
                "OpenChannel2Changed",
                "OpenChannel2ChangedContinue",
                "OpenChannel2ChangedDetails",
            ),
            "openchannel2_sign": (
                "OpenChannel2Sign",
                "OpenChannel2SignContinue",
                "OpenChannel2SignDetails",
            ),
            "peer_connected": (
                "ConnectedPeer",
                "PeerConnected",
                "PeerDisconnect",
            ),
            "rbf_channel": (
                "RbfChannel",
                "RbfChannelContinue",
                "RbfChannelDetails",
                "RbfChannelReject",
            ),
            "recover": ("Recover",),
            "rpc_command": (
                "RpcCommand",
                "RpcCommandReplace",
                "RpcCommandReturn",
                "RpcFailure",
                "RpcReply",
                "RpcRequest",
            ),
        },
    )
