"""What handlers look like to a type checker. Never imported at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import msgspec

from clnwire.hooks import db_write, htlc_accepted, invoice_payment, peer_connected
from clnwire.notifications import Connect, Disconnect
from clnwire.requests import Notification, Request

E = TypeVar("E")
A = TypeVar("A")

AnyHandler: TypeAlias = Callable[..., Any]

HookHandler: TypeAlias = (
    Callable[[E], A] | Callable[[E, Request], A] | Callable[[msgspec.Raw], A] | Callable[[bytes], A]
)
"""Takes the event, or its JSON text; and the request, if it wants it."""

TopicHandler: TypeAlias = (
    Callable[[E], None]
    | Callable[[E, Notification], None]
    | Callable[[msgspec.Raw], None]
    | Callable[[bytes], None]
)
"""Takes the payload, or its JSON text; and the notification, if it wants it."""

DbWriteHandler: TypeAlias = HookHandler[db_write.DbWrite, db_write.Answer]
PeerConnectedHandler: TypeAlias = HookHandler[peer_connected.PeerConnected, peer_connected.Answer]
InvoicePaymentHandler: TypeAlias = HookHandler[
    invoice_payment.InvoicePayment, invoice_payment.Answer
]
HtlcAcceptedHandler: TypeAlias = HookHandler[htlc_accepted.HtlcAccepted, htlc_accepted.Answer]
ConnectHandler: TypeAlias = TopicHandler[Connect]
DisconnectHandler: TypeAlias = TopicHandler[Disconnect]
