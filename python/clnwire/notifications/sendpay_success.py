"""`sendpay_success`: a part of a payment, sent with `sendpay`, has arrived."""

from __future__ import annotations

from typing import Annotated, Any

from clnwire._wire.older import rename
from clnwire.notifications._sendpay import SentPart
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U64, Hash, Known, Msat


class SendPaySuccess(SentPart, frozen=True, kw_only=True):
    """A part of a payment that has arrived."""

    created_index: U64
    """Counts the parts, from 1. Since v23.11."""
    id: U64
    """An earlier name of `created_index`."""
    payment_hash: Hash
    """The payment."""
    groupid: U64
    """Which attempt at the payment."""
    created_at: U64
    """When it was sent, in seconds since 1970."""
    amount_sent_msat: Msat
    """What was sent, fees included."""
    status: Annotated[str, Known(("complete",))]
    """How it stands."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 amounts had other names; until v23.11 only `id` counted."""
    rename(event, msatoshi="amount_msat", msatoshi_sent="amount_sent_msat", id="created_index")
    event.setdefault("groupid", 0)


SPEC = TopicSpec("sendpay_success", SendPaySuccess, older=_older)
