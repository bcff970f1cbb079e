"""`channel_open_failed`: the opening of a channel has failed."""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId


class ChannelOpenFailed(Event, frozen=True):
    """A channel that could not be opened."""

    channel_id: ChannelId
    """The channel's temporary id during the negotiation."""


SPEC = TopicSpec("channel_open_failed", ChannelOpenFailed)
