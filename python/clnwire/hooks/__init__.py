"""The daemon's hooks: each in its module, with its event, its answers and its safe answer.

A hook that has no module here works with dicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._lazy import lazy
from clnwire.hooks._spec import CONTINUE, Continue, Refuse

if TYPE_CHECKING:
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
    from clnwire.hooks.peer_connected import ConnectedPeer, PeerConnected, PeerDisconnect

__all__ = [
    "CONTINUE",
    "ConnectedPeer",
    "Continue",
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
    "PeerConnected",
    "PeerDisconnect",
    "Refuse",
]

if not TYPE_CHECKING:
    __getattr__ = lazy(
        __name__,
        {
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
            "peer_connected": ("ConnectedPeer", "PeerConnected", "PeerDisconnect"),
        },
    )
