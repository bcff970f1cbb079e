"""`disconnect`: a peer has disconnected."""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import PublicKey


class Disconnect(Event, frozen=True):
    """A peer has disconnected."""

    id: PublicKey
    """The peer's node id."""


SPEC = TopicSpec("disconnect", Disconnect)
