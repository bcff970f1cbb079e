"""What handlers look like to a type checker. Never imported at run time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import msgspec

from clnwire import notifications
from clnwire._definition.requests import Notification, Request
from clnwire.hooks import (
    commitment_revocation,
    custommsg,
    db_write,
    htlc_accepted,
    invoice_payment,
    onion_message_recv,
    onion_message_recv_secret,
    openchannel,
    openchannel2,
    openchannel2_changed,
    openchannel2_sign,
    peer_connected,
    rbf_channel,
    recover,
    rpc_command,
)

E = TypeVar("E")
A = TypeVar("A")

AnyHandler: TypeAlias = Callable[..., Any]

HookHandler: TypeAlias = (
    Callable[[E], A | Coroutine[Any, Any, A]]
    | Callable[[E, Request], A | Coroutine[Any, Any, A]]
    | Callable[[dict[str, Any]], A | Coroutine[Any, Any, A]]
    | Callable[[dict[str, Any], Request], A | Coroutine[Any, Any, A]]
    | Callable[[msgspec.Raw], A | Coroutine[Any, Any, A]]
    | Callable[[bytes], A | Coroutine[Any, Any, A]]
)
"""Takes the event, as a dict or as its JSON text if it likes; and the request, if it wants it. A
plain function, or an `async def`."""

TopicHandler: TypeAlias = (
    Callable[[E], Coroutine[Any, Any, None] | None]
    | Callable[[E, Notification], Coroutine[Any, Any, None] | None]
    | Callable[[dict[str, Any]], Coroutine[Any, Any, None] | None]
    | Callable[[dict[str, Any], Notification], Coroutine[Any, Any, None] | None]
    | Callable[[msgspec.Raw], Coroutine[Any, Any, None] | None]
    | Callable[[bytes], Coroutine[Any, Any, None] | None]
)
"""Takes the payload, as a dict or as its JSON text if it likes; and the notification."""

# A handler of each hook, and of each topic: what it takes, and what it may answer.

CommitmentRevocationF = TypeVar(
    "CommitmentRevocationF",
    bound=HookHandler[commitment_revocation.CommitmentRevocation, commitment_revocation.Answer],
)
CustomMsgF = TypeVar("CustomMsgF", bound=HookHandler[custommsg.CustomMsg, custommsg.Answer])
DbWriteF = TypeVar("DbWriteF", bound=HookHandler[db_write.DbWrite, db_write.Answer])
HtlcAcceptedF = TypeVar(
    "HtlcAcceptedF", bound=HookHandler[htlc_accepted.HtlcAccepted, htlc_accepted.Answer]
)
InvoicePaymentF = TypeVar(
    "InvoicePaymentF", bound=HookHandler[invoice_payment.InvoicePayment, invoice_payment.Answer]
)
OnionMessageRecvF = TypeVar(
    "OnionMessageRecvF",
    bound=HookHandler[onion_message_recv.OnionMessageRecv, onion_message_recv.Answer],
)
OnionMessageRecvSecretF = TypeVar(
    "OnionMessageRecvSecretF",
    bound=HookHandler[
        onion_message_recv_secret.OnionMessageRecvSecret, onion_message_recv_secret.Answer
    ],
)
OpenChannelF = TypeVar(
    "OpenChannelF", bound=HookHandler[openchannel.OpenChannel, openchannel.Answer]
)
OpenChannel2F = TypeVar(
    "OpenChannel2F", bound=HookHandler[openchannel2.OpenChannel2, openchannel2.Answer]
)
OpenChannel2ChangedF = TypeVar(
    "OpenChannel2ChangedF",
    bound=HookHandler[openchannel2_changed.OpenChannel2Changed, openchannel2_changed.Answer],
)
OpenChannel2SignF = TypeVar(
    "OpenChannel2SignF",
    bound=HookHandler[openchannel2_sign.OpenChannel2Sign, openchannel2_sign.Answer],
)
PeerConnectedF = TypeVar(
    "PeerConnectedF", bound=HookHandler[peer_connected.PeerConnected, peer_connected.Answer]
)
RbfChannelF = TypeVar("RbfChannelF", bound=HookHandler[rbf_channel.RbfChannel, rbf_channel.Answer])
RecoverF = TypeVar("RecoverF", bound=HookHandler[recover.Recover, recover.Answer])
RpcCommandF = TypeVar("RpcCommandF", bound=HookHandler[rpc_command.RpcCommand, rpc_command.Answer])

BalanceSnapshotT = TypeVar("BalanceSnapshotT", bound=TopicHandler[notifications.BalanceSnapshot])
BlockAddedT = TypeVar("BlockAddedT", bound=TopicHandler[notifications.BlockAdded])
ChannelOpenFailedT = TypeVar(
    "ChannelOpenFailedT", bound=TopicHandler[notifications.ChannelOpenFailed]
)
ChannelOpenedT = TypeVar("ChannelOpenedT", bound=TopicHandler[notifications.ChannelOpened])
ChannelStateChangedT = TypeVar(
    "ChannelStateChangedT", bound=TopicHandler[notifications.ChannelStateChanged]
)
CoinMovementT = TypeVar("CoinMovementT", bound=TopicHandler[notifications.CoinMovement])
ConnectT = TypeVar("ConnectT", bound=TopicHandler[notifications.Connect])
CustomMsgT = TypeVar("CustomMsgT", bound=TopicHandler[notifications.CustomMsg])
DeprecatedOneshotT = TypeVar(
    "DeprecatedOneshotT", bound=TopicHandler[notifications.DeprecatedOneshot]
)
DisconnectT = TypeVar("DisconnectT", bound=TopicHandler[notifications.Disconnect])
ForwardEventT = TypeVar("ForwardEventT", bound=TopicHandler[notifications.ForwardEvent])
InvoiceCreationT = TypeVar("InvoiceCreationT", bound=TopicHandler[notifications.InvoiceCreation])
InvoicePaymentEventT = TypeVar(
    "InvoicePaymentEventT", bound=TopicHandler[notifications.InvoicePaymentEvent]
)
LogEventT = TypeVar("LogEventT", bound=TopicHandler[notifications.LogEvent])
OnionMessageForwardFailT = TypeVar(
    "OnionMessageForwardFailT", bound=TopicHandler[notifications.OnionMessageForwardFail]
)
OpenChannelPeerSigsT = TypeVar(
    "OpenChannelPeerSigsT", bound=TopicHandler[notifications.OpenChannelPeerSigs]
)
PayPartEndT = TypeVar("PayPartEndT", bound=TopicHandler[notifications.PayPartEnd])
PayPartStartT = TypeVar("PayPartStartT", bound=TopicHandler[notifications.PayPartStart])
PluginStartedT = TypeVar("PluginStartedT", bound=TopicHandler[notifications.PluginStarted])
PluginStoppedT = TypeVar("PluginStoppedT", bound=TopicHandler[notifications.PluginStopped])
SendPayFailureT = TypeVar("SendPayFailureT", bound=TopicHandler[notifications.SendPayFailure])
SendPaySuccessT = TypeVar("SendPaySuccessT", bound=TopicHandler[notifications.SendPaySuccess])
ShutdownT = TypeVar("ShutdownT", bound=TopicHandler[notifications.Shutdown])
WarningEventT = TypeVar("WarningEventT", bound=TopicHandler[notifications.WarningEvent])
