"""`openchannel_peer_sigs`: a peer has signed a new channel's funding transaction."""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import ChannelId, Psbt


class OpenChannelPeerSigs(Event, frozen=True):
    """A funding transaction with the peer's signatures."""

    channel_id: ChannelId
    """The channel's id."""
    signed_psbt: Psbt
    """The PSBT in base64 with the peer's signatures."""


SPEC = TopicSpec("openchannel_peer_sigs", OpenChannelPeerSigs)
