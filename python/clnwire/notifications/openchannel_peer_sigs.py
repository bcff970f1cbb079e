"""`openchannel_peer_sigs`: a peer has signed a new channel's funding transaction."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId, Psbt


class OpenChannelPeerSigs(Event, frozen=True):
    """A funding transaction with the peer's signatures."""

    channel_id: ChannelId
    """The channel."""
    signed_psbt: Psbt
    """The transaction."""


SPEC = TopicSpec("openchannel_peer_sigs", OpenChannelPeerSigs)
