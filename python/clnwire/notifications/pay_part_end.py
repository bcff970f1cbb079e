"""`pay_part_end`: a part of a payment that `xpay` sent has arrived or failed.

The plugin `cln-xpay` publishes it. The daemon's schema calls it `xpay_pay_part_end`.
"""

from typing import Annotated

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Hex, Known, PublicKey, ShortChannelId


class PayPartEnd(Event, frozen=True):
    """The outcome of a payment's part."""

    status: Annotated[str, Known(("success", "failure"))]
    """Whether the part arrived."""
    duration: float
    """The time from sending to the outcome, in seconds."""
    payment_hash: Hash
    """The payment's hash."""
    groupid: U64
    """The id of the `xpay` call."""
    partid: U64
    """The part's number."""
    failed_msg: Hex | None = None
    """The decrypted failure message (BOLT 4), if it could be decrypted."""
    failed_node_id: PublicKey | None = None
    """The id of the node that sent the failure message, if known."""
    failed_short_channel_id: ShortChannelId | None = None
    """The channel that the failure message is about, if any."""
    failed_direction: U32 | None = None
    """The direction of that channel, 0 or 1."""
    error_code: U32 | None = None
    """The error code of `xpay`, if known."""
    error_message: str | None = None
    """The error in words, for people."""


SPEC = TopicSpec("pay_part_end", PayPartEnd, former_names=("xpay_pay_part_end",), wrapped=True)
