"""`block_added`: the chain has a new block."""

from __future__ import annotations

from typing import Any

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import BlockHeight, Hash


class BlockAdded(Event, frozen=True):
    """A block."""

    hash: Hash
    """Its hash."""
    height: BlockHeight
    """Its height."""


def _older(event: dict[str, Any]) -> None:
    """Until v24.08 the block stood in a member `block` as well, and before v23.08 only there."""
    event.update(event["block"])


SPEC = TopicSpec("block_added", BlockAdded, older=_older)
