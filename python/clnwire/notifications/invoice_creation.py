"""`invoice_creation`: this node has created an invoice."""

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Hash, Msat, Secret


class InvoiceCreation(Event, frozen=True):
    """A new invoice."""

    preimage: Secret
    """The payment's preimage. The payer gets it with the payment: keep it secret until then."""
    label: str
    """The invoice's label, unique in this node."""
    msat: Msat | None = None
    """The amount in msat; `None` if the payer chooses it."""
    offer_id: Hash | None = None
    """The id of the offer that the invoice is for, if any. Not in the daemon's schema."""


SPEC = TopicSpec("invoice_creation", InvoiceCreation, upgrade=older_form())
