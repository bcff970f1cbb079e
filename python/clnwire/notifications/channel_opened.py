"""`channel_opened`: a peer has funded a channel with us."""

from __future__ import annotations

from typing import Any

from clnwire._wire.older import rename
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Msat, PublicKey, Txid


class ChannelOpened(Event, frozen=True):
    """A channel that a peer has opened."""

    id: PublicKey
    """The peer."""
    funding_msat: Msat
    """The channel's capacity."""
    funding_txid: Txid
    """The transaction that funds it."""
    channel_ready: bool
    """The channel can be used already, without waiting for confirmations."""


def _older(event: dict[str, Any]) -> None:
    """Until v0.12 two members had other names."""
    rename(event, amount="funding_msat", funding_locked="channel_ready")


SPEC = TopicSpec("channel_opened", ChannelOpened, older=_older)
