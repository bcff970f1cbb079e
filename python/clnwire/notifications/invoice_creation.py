"""`invoice_creation`: an invoice has been made."""

from __future__ import annotations

from clnwire._wire.older import only_amounts
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Hash, Msat, Secret


class InvoiceCreation(Event, frozen=True):
    """An invoice."""

    preimage: Secret
    """Whoever pays gets it."""
    label: str
    """Its label, unique in this node."""
    msat: Msat | None = None
    """What it asks for; `None` if the payer chooses."""
    offer_id: Hash | None = None
    """The offer that it is for, if any. The daemon's schema does not name it."""


SPEC = TopicSpec("invoice_creation", InvoiceCreation, older=only_amounts)
