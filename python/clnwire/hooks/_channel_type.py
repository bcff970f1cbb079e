"""A channel's type, as `openchannel` and `openchannel2` give it."""

from clnwire._wire.structs import Event
from clnwire.types import U32


class ChannelType(Event, frozen=True):
    """The feature bits that define the channel's type (BOLT 2)."""

    bits: list[U32]
    """Numbers of the feature bits (BOLT 9)."""
    names: list[str]
    """Names of the feature bits, in the same order. For people: the daemon may change them."""
