"""`log`: a line for the daemon's log. `plugin.log` sends it.

The topic `log`, which the daemon publishes, has another event: `clnwire.notifications.LogEvent`.
"""

from typing import Annotated

from clnwire._wire.levels import ACCEPTED
from clnwire._wire.structs import Event
from clnwire.types import Known


class LogLine(Event, frozen=True):
    """The params. The daemon kills a plugin that sends an unknown level."""

    level: Annotated[str, Known(ACCEPTED)]
    """The line's level. `warn` is the same as `unusual`, and `error` the same as `broken`."""
    message: str
    """The line's text."""
