"""`sendpay_failure`: a part of a payment, sent with `sendpay`, has failed."""

from typing import Annotated

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._sendpay import SentPart
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Hex, Known, Msat, PublicKey, ShortChannelId


class FailedPart(SentPart, frozen=True, kw_only=True):
    """The failed part, and where it failed. A member that is not known is `None`."""

    created_index: U64 | None = None
    """The part's number, counted from 1. Since v23.11."""
    id: U64 | None = None
    """The earlier name of `created_index`."""
    payment_hash: Hash | None = None
    """The payment's hash."""
    groupid: U64 | None = None
    """The number of the attempt at the payment."""
    amount_sent_msat: Msat | None = None
    """The amount sent in msat, fees included."""
    created_at: U64 | None = None
    """When it was sent, in seconds since 1970."""
    status: Annotated[str, Known(("failed", "pending", "complete"))] | None = None
    """The part's status."""
    onionreply: Hex | None = None
    """The encrypted failure message as received, if it could not be decrypted."""
    erring_index: U32 | None = None
    """The position in the route at which it failed; 0 is this node."""
    failcode: U32 | None = None
    """The failure code of BOLT 4."""
    failcodename: str | None = None
    """The failure code's name, if it has one."""
    erring_node: PublicKey | None = None
    """The id of the node that failed it, if known."""
    erring_channel: ShortChannelId | None = None
    """The channel that failed it, if known."""
    erring_direction: U32 | None = None
    """The direction of that channel, 0 or 1."""
    raw_message: Hex | None = None
    """The failure message of BOLT 4 as received, if there is one."""


class SendPayFailure(Event, frozen=True):
    """A part of a payment that has failed."""

    code: int
    """The error code that `waitsendpay` would return; see `clnwire.error_codes`."""
    message: str
    """One line about the failure, for people."""
    data: FailedPart
    """The failed part, and where it failed."""


SPEC = TopicSpec(
    "sendpay_failure",
    SendPayFailure,
    upgrade=older_form("data", msatoshi="amount_msat", msatoshi_sent="amount_sent_msat"),
)
