"""`warning`: the daemon has logged a line of level `unusual` or `broken`."""

from typing import Annotated

from clnwire._wire.levels import ALIASES
from clnwire._wire.older import older_form
from clnwire.notifications._spec import TopicSpec
from clnwire.notifications.log import LogEvent
from clnwire.types import Known


class WarningEvent(LogEvent, frozen=True):
    """A line of the daemon's log."""

    level: Annotated[str, Known(tuple(ALIASES))]
    """The line's level: `warn` for `unusual`, `error` for `broken`."""
    timestamp: str
    """When (ISO 8601): `2026-11-22T10:35:25.188Z`. Since v24.02; empty before."""


SPEC = TopicSpec("warning", WarningEvent, upgrade=older_form(absent={"timestamp": ""}))
