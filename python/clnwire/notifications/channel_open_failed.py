"""`channel_open_failed`: a channel that was being opened will not be."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId


class ChannelOpenFailed(Event, frozen=True):
    """A channel that will not be."""

    channel_id: ChannelId
    """The id that it had while it was negotiated."""


SPEC = TopicSpec("channel_open_failed", ChannelOpenFailed)
