"""`disconnect`: the connection to a peer was lost."""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import PublicKey


class Disconnect(Event, frozen=True):
    """A peer is gone."""

    id: PublicKey
    """The peer."""


SPEC = TopicSpec("disconnect", Disconnect)
