"""`channel_opened`: a peer has funded a channel with this node."""

from typing import Any

from clnwire._wire.older import rename
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


def _upgrade(event: dict[str, Any]) -> None:
    """Before v0.12.0 two members had other names."""
    rename(event, amount="funding_msat", funding_locked="channel_ready")


SPEC = TopicSpec("channel_opened", ChannelOpened, upgrade=_upgrade)
