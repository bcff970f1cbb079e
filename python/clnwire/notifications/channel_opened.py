"""`channel_opened`: a peer has funded a channel with this node."""

from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Msat, PublicKey, Txid


class ChannelOpened(Event, frozen=True):
    """A channel that a peer has opened."""

    id: PublicKey
    """The peer's node id."""
    funding_msat: Msat
    """The channel's capacity in msat."""
    funding_txid: Txid
    """The txid of the funding transaction."""
    channel_ready: bool
    """Whether the channel can be used already, without waiting for confirmations."""


SPEC = TopicSpec(
    "channel_opened",
    ChannelOpened,
    upgrade=older_form(amount="funding_msat", funding_locked="channel_ready"),
)
