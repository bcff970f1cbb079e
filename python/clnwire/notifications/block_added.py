"""`block_added`: the chain has a new block."""

from __future__ import annotations

from clnwire._message import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import BlockHeight, Hash


class BlockAdded(Event, frozen=True):
    """A block."""

    hash: Hash
    """Its hash."""
    height: BlockHeight
    """Its height."""


SPEC = TopicSpec("block_added", BlockAdded)
