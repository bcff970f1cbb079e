"""`log`: a line for the daemon's log, which a plugin sends. `plugin.log` does it.

The topic `log`, which the daemon publishes, has another form: `clnwire.notifications.LogEvent`.
"""

from __future__ import annotations

from typing import Annotated

from clnwire._wire.levels import ACCEPTED
from clnwire._wire.structs import Event
from clnwire.types import Known


class LogLine(Event, frozen=True):
    """The params. A level that the daemon does not know is the plugin's end."""

    level: Annotated[str, Known(ACCEPTED)]
    """How bad it is; `warn` and `unusual` are the same, and `error` and `broken`."""
    message: str
    """The line."""
