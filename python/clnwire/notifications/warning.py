"""`warning`: the daemon has logged a line of level `unusual` or `broken`."""

from typing import Annotated

from clnwire._wire.levels import ALIASES
from clnwire._wire.older import older_form
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Known


class WarningEvent(Event, frozen=True):
    """A line of the daemon's log."""

    level: Annotated[str, Known(tuple(ALIASES))]
    """The line's level: `warn` for `unusual`, `error` for `broken`."""
    time: str
    """When, in seconds since 1970, with nine decimals."""
    timestamp: str
    """When (ISO 8601): `2026-11-22T10:35:25.188Z`. Since v24.02; empty before."""
    source: str
    """The line's origin: a subdaemon, `plugin-NAME`, or a peer's id with a subdaemon."""
    log: str
    """The line's text."""


SPEC = TopicSpec("warning", WarningEvent, upgrade=older_form(absent={"timestamp": ""}))
