"""`pay_part_start`: `xpay` sends a part of a payment.

The plugin `cln-xpay` publishes it. The daemon's schema calls it `xpay_pay_part_start`.
"""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Msat, PublicKey, ShortChannelId


class PayPartHop(Event, frozen=True):
    """A hop of the part's route."""

    next_node: PublicKey
    """The id of the node at the hop's end."""
    short_channel_id: ShortChannelId
    """The channel to that node."""
    direction: U32
    """The direction of the channel, 0 or 1."""
    channel_in_msat: Msat
    """The amount that enters the hop, in msat."""
    channel_out_msat: Msat
    """The amount that leaves the hop, in msat. The difference is the fee."""


class PayPartStart(Event, frozen=True):
    """A part of a payment."""

    payment_hash: Hash
    """The payment's hash."""
    groupid: U64
    """The id of the `xpay` call."""
    partid: U64
    """The part's number."""
    total_payment_msat: Msat
    """The amount that all parts are to deliver, in msat."""
    attempt_msat: Msat
    """The amount that this part is to deliver, in msat."""
    hops: list[PayPartHop]
    """The part's route, first hop to last."""


SPEC = TopicSpec(
    "pay_part_start", PayPartStart, former_names=("xpay_pay_part_start",), wrapped=True
)
