"""`warning`: a line that is unusual or worse has been written to the daemon's log."""

from __future__ import annotations

from typing import Annotated, Any

from clnwire._wire.levels import ALIASES
from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec
from clnwire.types import Known


class WarningEvent(Event, frozen=True):
    """A line of the log."""

    level: Annotated[str, Known(tuple(ALIASES))]
    """How bad it is."""
    time: str
    """When, in seconds since 1970, with nine decimals."""
    timestamp: str
    """When, as `2026-11-22T10:35:25.188Z`. Since v24.02."""
    source: str
    """Who said it: a daemon of lightningd's, `plugin-NAME`, or a peer's id and a daemon."""
    log: str
    """The line."""


def _older(event: dict[str, Any]) -> None:
    event.setdefault("timestamp", "")


SPEC = TopicSpec("warning", WarningEvent, older=_older)
