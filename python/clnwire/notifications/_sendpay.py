"""A part of a payment, as `sendpay_success` and `sendpay_failure` describe it."""

from clnwire._wire.structs import Event
from clnwire.types import U64, Hex, Msat, PublicKey, Secret

__all__ = ["SentPart"]


class SentPart(Event, frozen=True, kw_only=True):
    """The members that a successful part and a failed part have in common."""

    amount_msat: Msat | None = None
    """The amount for the destination in msat, if known."""
    partid: U64 | None = None
    """The part's number in a payment of several parts."""
    updated_index: U64 | None = None
    """The number of this change to a payment's part, counted from 1. Since v23.11."""
    destination: PublicKey | None = None
    """The node id of the payment's destination, if known."""
    completed_at: U64 | None = None
    """When it arrived or failed, in seconds since 1970."""
    payment_preimage: Secret | None = None
    """The proof of payment. A failed part has it if the payment arrived by another way."""
    label: str | None = None
    """The label given to `sendpay`, if any."""
    bolt11: str | None = None
    """The BOLT 11 invoice, if that was paid."""
    bolt12: str | None = None
    """The BOLT 12 invoice, if that was paid. Since v24.02."""
    description: str | None = None
    """The description given to `sendpay`, if any."""
    erroronion: Hex | None = None
    """The encrypted error as received, if the daemon kept it."""
