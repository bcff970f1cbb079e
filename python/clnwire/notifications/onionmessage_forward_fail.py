"""`onionmessage_forward_fail`: this node could not forward an onion message.

A plugin may connect to the next node and forward the message itself.
"""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Hex, PublicKey, ShortChannelIdDir


class OnionMessageForwardFail(Event, frozen=True):
    """An onion message and the next hop that it could not be sent to."""

    source: PublicKey
    """The id of the node that sent it to this node."""
    incoming: Hex
    """The message as received."""
    path_key: PublicKey
    """The message's path key for this hop (BOLT 4)."""
    outgoing: Hex | None = None
    """The message to forward, if the next hop is known."""
    next_node_id: PublicKey | None = None
    """The next hop's node id, if the message names a node."""
    next_short_channel_id_dir: ShortChannelIdDir | None = None
    """The channel to the next hop, if the message names a channel."""


SPEC = TopicSpec("onionmessage_forward_fail", OnionMessageForwardFail)
