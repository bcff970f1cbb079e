"""`forward_event`: a payment that is forwarded has been offered, settled or failed."""

from __future__ import annotations

from typing import Annotated, Any

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Known, Msat, Secret, ShortChannelId


class ForwardEvent(Event, frozen=True):
    """A forward, and how it stands."""

    payment_hash: Hash
    """The payment."""
    in_channel: ShortChannelId
    """Where it came in."""
    in_msat: Msat
    """What came in."""
    status: Annotated[str, Known(("offered", "settled", "local_failed", "failed"))]
    """How it stands: offered to the next node, settled, failed here, or failed further on."""
    received_time: float
    """When it came in, in seconds since 1970."""
    out_channel: ShortChannelId | None = None
    """Where it goes out, if there is such a channel."""
    out_msat: Msat | None = None
    """What goes out, if that is known."""
    fee_msat: Msat | None = None
    """What the node earns, if that is known."""
    failcode: U32 | None = None
    """BOLT 4's code, if it failed here."""
    failreason: str | None = None
    """The code's name, if it failed here."""
    style: Annotated[str, Known(("legacy", "tlv"))] | None = None
    """The onion's format, if it could be read. Since v23.11."""
    resolved_time: float | None = None
    """When it settled or failed, in seconds since 1970."""
    created_index: U64 | None = None
    """Counts the forwards, from 1. The daemon's schema does not name it."""
    updated_index: U64 | None = None
    """Counts the changes of forwards, from 1. The daemon's schema does not name it."""
    in_htlc_id: U64 | None = None
    """The HTLC that came in, as the peer counts. The daemon's schema does not name it."""
    out_htlc_id: U64 | None = None
    """The HTLC that went out. The daemon's schema does not name it."""
    preimage: Secret | None = None
    """Of a settled payment. The daemon's schema does not name it."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names."""
    rename(event, in_msatoshi="in_msat", out_msatoshi="out_msat", fee="fee_msat")


SPEC = TopicSpec("forward_event", ForwardEvent, older=_older)
