"""`forward_event`: the status of a forwarded payment has changed."""

from typing import Annotated

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Known, Msat, Secret, ShortChannelId


class ForwardEvent(Event, frozen=True):
    """A forward and its status."""

    payment_hash: Hash
    """The payment's hash."""
    in_channel: ShortChannelId
    """The channel of the incoming HTLC."""
    in_msat: Msat
    """The incoming HTLC's amount in msat."""
    status: Annotated[str, Known(("offered", "settled", "local_failed", "failed"))]
    """Offered to the next node, settled, or failed: here (`local_failed`) or later (`failed`)."""
    received_time: float
    """When the HTLC came in, in seconds since 1970."""
    out_channel: ShortChannelId | None = None
    """The channel of the outgoing HTLC, if there is one."""
    out_msat: Msat | None = None
    """The outgoing HTLC's amount in msat, if known."""
    fee_msat: Msat | None = None
    """The fee that this node earns, in msat, if known."""
    failcode: U32 | None = None
    """The failure code of BOLT 4, if it failed at this node."""
    failreason: str | None = None
    """The failure code's name, if it failed at this node."""
    style: Annotated[str, Known(("legacy", "tlv"))] | None = None
    """The onion's format, if known. Since v23.11."""
    resolved_time: float | None = None
    """When it settled or failed, in seconds since 1970."""
    created_index: U64 | None = None
    """The forward's number, counted from 1. Not in the daemon's schema."""
    updated_index: U64 | None = None
    """The number of this change to a forward, counted from 1. Not in the daemon's schema."""
    in_htlc_id: U64 | None = None
    """The incoming HTLC's id, which the peer counts. Not in the daemon's schema."""
    out_htlc_id: U64 | None = None
    """The outgoing HTLC's id, which this node counts. Not in the daemon's schema."""
    preimage: Secret | None = None
    """The preimage of a settled payment. Not in the daemon's schema."""


SPEC = TopicSpec(
    "forward_event",
    ForwardEvent,
    upgrade=older_form(in_msatoshi="in_msat", out_msatoshi="out_msat", fee="fee_msat"),
)
