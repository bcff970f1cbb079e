"""A channel's type, which `openchannel` and `openchannel2` tell."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.types import U32


class ChannelType(Event, frozen=True):
    """The features that the channel is to have (BOLT 2)."""

    bits: list[U32]
    """Their numbers (BOLT 9)."""
    names: list[str]
    """Their names in the same order, for people: the daemon may change them."""
