"""`onionmessage_forward_fail`: an onion message could not be passed on.

A plugin may connect to the next node, and send the message on.
"""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Hex, PublicKey, ShortChannelIdDir


class OnionMessageForwardFail(Event, frozen=True):
    """An onion message, and where it should have gone."""

    source: PublicKey
    """Who sent it to this node."""
    incoming: Hex
    """The message as it came."""
    path_key: PublicKey
    """The key for this hop of its path."""
    outgoing: Hex | None = None
    """The message as it would go on, if the next hop could be told."""
    next_node_id: PublicKey | None = None
    """The next hop, if it is told as a node."""
    next_short_channel_id_dir: ShortChannelIdDir | None = None
    """The next hop, if it is told as a channel."""


SPEC = TopicSpec("onionmessage_forward_fail", OnionMessageForwardFail)
