"""A part of a payment, which the topics on `sendpay` tell of."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.types import U64, Hex, Msat, PublicKey, Secret


class SentPart(Event, frozen=True, kw_only=True):
    """What may be known of a part, however it ended."""

    amount_msat: Msat | None = None
    """What was to arrive, if that is known."""
    partid: U64 | None = None
    """Which part of the payment, if it has several."""
    updated_index: U64 | None = None
    """Counts the changes of parts, from 1. Since v23.11."""
    destination: PublicKey | None = None
    """Whom it was sent to, if that is known."""
    completed_at: U64 | None = None
    """When it arrived or failed, in seconds since 1970."""
    payment_preimage: Secret | None = None
    """The proof that the payment arrived: if this part failed, in another way."""
    label: str | None = None
    """The label given to `sendpay`, if any."""
    bolt11: str | None = None
    """The invoice, if it was of BOLT 11."""
    bolt12: str | None = None
    """The invoice, if it was of BOLT 12. Since v24.02."""
    description: str | None = None
    """The invoice's description, if it was given to `sendpay`."""
    erroronion: Hex | None = None
    """The error as it came, if it was kept."""
