"""`pay_part_start`: `xpay` sends a part of a payment.

The plugin `cln-xpay` publishes it. The daemon's schema calls it `xpay_pay_part_start`.
"""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Msat, PublicKey, ShortChannelId


class PayPartHop(Event, frozen=True):
    """A hop of the part's route."""

    next_node: PublicKey
    """Where it leads."""
    short_channel_id: ShortChannelId
    """Over which channel."""
    direction: U32
    """In which direction of it: 0 or 1."""
    channel_in_msat: Msat
    """What goes in."""
    channel_out_msat: Msat
    """What comes out; the difference is the fee."""


class PayPartStart(Event, frozen=True):
    """A part of a payment."""

    payment_hash: Hash
    """The payment."""
    groupid: U64
    """Which call of `xpay`."""
    partid: U64
    """Which part."""
    total_payment_msat: Msat
    """What all parts are to deliver."""
    attempt_msat: Msat
    """What this one is to deliver."""
    hops: list[PayPartHop]
    """Its route."""


SPEC = TopicSpec(
    "pay_part_start", PayPartStart, former_names=("xpay_pay_part_start",), wrapped=True
)
