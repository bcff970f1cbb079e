"""`sendpay_failure`: a part of a payment, sent with `sendpay`, has failed."""

from __future__ import annotations

from typing import Annotated, Any

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._sendpay import SentPart
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Hex, Known, Msat, PublicKey, ShortChannelId


class FailedPart(SentPart, frozen=True, kw_only=True):
    """The part, and where it failed. What is not known is `None`."""

    created_index: U64 | None = None
    """Counts the parts, from 1. Since v23.11."""
    id: U64 | None = None
    """An earlier name of `created_index`."""
    payment_hash: Hash | None = None
    """The payment."""
    groupid: U64 | None = None
    """Which attempt at the payment."""
    amount_sent_msat: Msat | None = None
    """What was sent, fees included."""
    created_at: U64 | None = None
    """When it was sent, in seconds since 1970."""
    status: Annotated[str, Known(("failed", "pending", "complete"))] | None = None
    """How it stands."""
    onionreply: Hex | None = None
    """The error as it came, if it could not be read."""
    erring_index: U32 | None = None
    """Where on the route it failed: 0 is this node."""
    failcode: U32 | None = None
    """BOLT 4's code."""
    failcodename: str | None = None
    """The code's name, if it has one."""
    erring_node: PublicKey | None = None
    """The node that failed it."""
    erring_channel: ShortChannelId | None = None
    """The channel that failed it."""
    erring_direction: U32 | None = None
    """The direction of that channel: 0 or 1."""
    raw_message: Hex | None = None
    """The failure message as it came, of BOLT 4."""


class SendPayFailure(Event, frozen=True):
    """A part of a payment that has failed."""

    code: int
    """What `waitsendpay` would report; see `clnwire.error_codes`."""
    message: str
    """One line about it, for people."""
    data: FailedPart
    """The part, and where it failed."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names."""
    rename(event["data"], msatoshi="amount_msat", msatoshi_sent="amount_sent_msat")


SPEC = TopicSpec("sendpay_failure", SendPayFailure, older=_older)
