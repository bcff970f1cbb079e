"""`invoice_payment`: an invoice has been paid."""

from __future__ import annotations

from clnwire._wire.older import only_amounts
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Msat, Outpoint, Secret


class InvoicePaymentEvent(Event, frozen=True):
    """A paid invoice."""

    msat: Msat
    """What was paid."""
    preimage: Secret
    """The payer has it now."""
    label: str
    """The invoice's label, unique in this node."""
    outpoint: Outpoint | None = None
    """Where it was paid to, if it was paid on the chain. Since v23.11."""


SPEC = TopicSpec("invoice_payment", InvoicePaymentEvent, older=only_amounts)
