"""The daemon's hooks. Each has a module with its event, its answers and its safe answer.

For a hook without a module here, the handler receives a dict and returns one.
"""

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "_opening": "ChannelType",
        "_onion_message": "BlindedHop BlindedPath OnionField OnionMessage OnionMessageHandled",
        "_spec": "CONTINUE Continue Refuse",
        "commitment_revocation": "CommitmentRevocation",
        "custommsg": "CustomMsg",
        "db_write": "DbWrite",
        "htlc_accepted": (
            "Htlc HtlcAccepted HtlcContinue HtlcFail HtlcFailOnion HtlcOnion HtlcResolve"
        ),
        "invoice_payment": (
            "InvoicePayment InvoicePaymentDetails InvoicePaymentFail InvoicePaymentReject"
        ),
        "onion_message_recv": "OnionMessageRecv",
        "onion_message_recv_secret": "OnionMessageRecvSecret SecretOnionMessage",
        "openchannel": "OpenChannel OpenChannelContinue OpenChannelDetails OpenChannelReject",
        "openchannel2": "OpenChannel2 OpenChannel2Continue OpenChannel2Details OpenChannel2Reject",
        "openchannel2_changed": (
            "OpenChannel2Changed OpenChannel2ChangedContinue OpenChannel2ChangedDetails"
        ),
        "openchannel2_sign": "OpenChannel2Sign OpenChannel2SignContinue OpenChannel2SignDetails",
        "peer_connected": "ConnectedPeer PeerConnected PeerDisconnect",
        "rbf_channel": "RbfChannel RbfChannelContinue RbfChannelDetails RbfChannelReject",
        "recover": "Recover",
        "rpc_command": (
            "RpcCommand RpcCommandReplace RpcCommandReturn RpcFailure RpcReply RpcRequest"
        ),
    },
)
