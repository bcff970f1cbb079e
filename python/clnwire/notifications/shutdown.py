"""`shutdown`: the daemon is ending, and waits up to 30 seconds for the plugin to end.

clnwire runs the `on_shutdown` functions and then ends the plugin.
"""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class Shutdown(Event, frozen=True):
    """The daemon is ending. The event has no members."""


SPEC = TopicSpec("shutdown", Shutdown)
