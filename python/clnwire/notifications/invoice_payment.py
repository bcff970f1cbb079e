"""`invoice_payment`: an invoice has been paid."""

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Msat, Outpoint, Secret


class InvoicePaymentEvent(Event, frozen=True):
    """A paid invoice."""

    msat: Msat
    """The amount paid, in msat."""
    preimage: Secret
    """The payment's preimage. The payer has it now."""
    label: str
    """The invoice's label, unique in this node."""
    outpoint: Outpoint | None = None
    """The output that paid the invoice on the chain, if it was paid there. Since v23.11."""


SPEC = TopicSpec("invoice_payment", InvoicePaymentEvent, upgrade=older_form())
