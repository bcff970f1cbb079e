"""`pay_part_end`: a part of a payment that `xpay` sent has arrived, or failed.

The plugin `cln-xpay` publishes it. The daemon's schema calls it `xpay_pay_part_end`.
"""

from __future__ import annotations

from typing import Annotated

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import U32, U64, Hash, Hex, Known, PublicKey, ShortChannelId


class PayPartEnd(Event, frozen=True):
    """How a part of a payment ended."""

    status: Annotated[str, Known(("success", "failure"))]
    """Whether it arrived."""
    duration: float
    """How long it took, in seconds."""
    payment_hash: Hash
    """The payment."""
    groupid: U64
    """Which call of `xpay`."""
    partid: U64
    """Which part."""
    failed_msg: Hex | None = None
    """The error that came back, decrypted, if it could be read."""
    failed_node_id: PublicKey | None = None
    """Who sent the error, if that is known."""
    failed_short_channel_id: ShortChannelId | None = None
    """The channel that the error is about, if it is about one."""
    failed_direction: U32 | None = None
    """The direction of that channel: 0 or 1."""
    error_code: U32 | None = None
    """The error's code, if it is known."""
    error_message: str | None = None
    """What went wrong, for people."""


SPEC = TopicSpec("pay_part_end", PayPartEnd, former_names=("xpay_pay_part_end",), wrapped=True)
