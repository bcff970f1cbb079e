"""`shutdown`: the daemon ends, and waits up to 30 seconds for the plugin to do so.

clnwire then runs the `on_shutdown` functions and ends the plugin by itself.
"""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class Shutdown(Event, frozen=True):
    """The end. There is nothing more to say about it."""


SPEC = TopicSpec("shutdown", Shutdown)
