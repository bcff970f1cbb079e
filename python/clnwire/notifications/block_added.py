"""`block_added`: the daemon has received a new block of the chain."""

from typing import Any

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import BlockHeight, Hash


class BlockAdded(Event, frozen=True):
    """A new block."""

    hash: Hash
    """The block's hash."""
    height: BlockHeight
    """The block's height."""


def _upgrade(event: dict[str, Any]) -> None:
    """Copies the members out of `block`. Before v23.08 they were only there; until v24.08, also."""
    event.update(event["block"])


SPEC = TopicSpec("block_added", BlockAdded, upgrade=_upgrade)
