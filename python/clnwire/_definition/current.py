"""Which message is being handled, told apart between threads and tasks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clnwire._core import Driver, Handled

HANDLED: ContextVar[Handled | None] = ContextVar("clnwire.handled", default=None)
"""Set by the driver for handlers in tasks and threads, and for all of them in an event loop."""


def handled(driver: Driver) -> Handled | None:
    """The request or notification that the caller handles, if it handles one.

    The blocking driver, which has one at a time, keeps it itself: that costs nothing unless it is
    asked for.
    """
    return HANDLED.get() or driver.current
