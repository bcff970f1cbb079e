"""`progress`: how far a method that is running has come. `Request.progress` sends it."""

from __future__ import annotations

from msgspec import Raw

from clnwire._wire.structs import Event
from clnwire.errors import UsageError
from clnwire.types import U32


class Stage(Event, frozen=True):
    """Which part of the whole work this is."""

    num: U32
    """This stage, counted from 0."""
    total: U32
    """How many there are."""


class Progress(Event, frozen=True):
    """The params. It reaches callers that asked for such messages."""

    id: Raw
    """The request's id, exactly as it came."""
    num: U32
    """How many steps are done."""
    total: U32
    """How many there are."""
    stage: Stage | None = None
    """For work in several stages: which one the steps belong to."""


def check_progress(done: int, total: int) -> None:
    """Raises `UsageError` for progress at which the daemon would kill the plugin."""
    if not 0 <= done <= total or total == 0:
        raise UsageError(
            f"progress must be between 0 and a total of at least 1, not {done}/{total}"
        )
