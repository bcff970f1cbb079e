"""`log`: a line has been written to the daemon's log.

clnwire does not count it to `"*"`: a handler that logs would never come to an end.
"""

from __future__ import annotations

from typing import Annotated

from clnwire._wire.levels import SCALE
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Known


class LogEvent(Event, frozen=True):
    """A line of the log."""

    level: Annotated[str, Known(("io", *SCALE))]
    """How bad it is."""
    time: str
    """When, in seconds since 1970, with nine decimals."""
    timestamp: str
    """When, as `2026-11-22T10:35:25.188Z`."""
    source: str
    """Who said it: a daemon of lightningd's, `plugin-NAME`, or a peer's id and a daemon."""
    log: str
    """The line."""


SPEC = TopicSpec("log", LogEvent)
