"""`sendpay_success`: a part of a payment, sent with `sendpay`, has arrived."""

from typing import Annotated

from clnwire._wire.older import older_form
from clnwire.notifications._sendpay import SentPart
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U64, Hash, Known, Msat


class SendPaySuccess(SentPart, frozen=True, kw_only=True):
    """A part of a payment that has arrived."""

    created_index: U64
    """The part's number, counted from 1. Since v23.11; before, clnwire fills it from `id`."""
    id: U64
    """The earlier name of `created_index`."""
    payment_hash: Hash
    """The payment's hash."""
    groupid: U64
    """The number of the attempt at the payment; 0 from daemons that do not send it."""
    created_at: U64
    """When it was sent, in seconds since 1970."""
    amount_sent_msat: Msat
    """The amount sent in msat, fees included."""
    status: Annotated[str, Known(("complete",))]
    """The part's status."""


SPEC = TopicSpec(
    "sendpay_success",
    SendPaySuccess,
    upgrade=older_form(
        absent={"groupid": 0},
        msatoshi="amount_msat",
        msatoshi_sent="amount_sent_msat",
        id="created_index",
    ),
)
