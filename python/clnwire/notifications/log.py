"""`log`: the daemon has written a line to its log.

A subscription to `"*"` does not include this topic: a handler that logs would call itself forever.
"""

from typing import Annotated

from clnwire._wire.levels import SCALE
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Known


class LogEvent(Event, frozen=True):
    """A line of the daemon's log."""

    level: Annotated[str, Known(("io", *SCALE))]
    """The line's level."""
    time: str
    """When, in seconds since 1970, with nine decimals."""
    timestamp: str
    """When (ISO 8601), such as `2026-11-22T10:35:25.188Z`."""
    source: str
    """The line's origin: a subdaemon, `plugin-NAME`, or a peer's id with a subdaemon."""
    log: str
    """The line's text."""


SPEC = TopicSpec("log", LogEvent)
