"""`progress`: the progress of a running method. `Request.progress` sends it."""

from msgspec import Raw

from clnwire._wire.structs import Event
from clnwire.errors import UsageError
from clnwire.types import U32


class Stage(Event, frozen=True):
    """A stage of the work."""

    num: U32
    """The stage's number, counted from 0."""
    total: U32
    """The number of stages."""


class Progress(Event, frozen=True):
    """The params. Callers get it if they enabled notifications."""

    id: Raw
    """The id of the method's request, exactly as received."""
    num: U32
    """The number of steps done."""
    total: U32
    """The number of steps."""
    stage: Stage | None = None
    """The stage that the steps belong to, for work in several stages."""


def check_progress(done: int, total: int) -> None:
    """Raises `UsageError` for progress at which the daemon would kill the plugin."""
    if not 0 <= done <= total or total == 0:
        raise UsageError(
            f"progress must be between 0 and a total of at least 1, not {done}/{total}"
        )
