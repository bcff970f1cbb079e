"""The message that the current thread or task handles."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clnwire._core import CurrentMessage, Driver

HANDLED: ContextVar[CurrentMessage | None] = ContextVar("clnwire.handled", default=None)
"""Set by the driver for handlers in tasks and threads, and for every handler under an event loop.
The blocking driver keeps the message of a plain handler itself (`Driver.current`)."""


def handled(driver: Driver) -> CurrentMessage | None:
    """The driver's request or notification that the calling thread or task handles, or `None`.

    The variable may hold another driver's message: a process may run several plugins, and a task
    or thread that a handler has started may outlive the run and call into the next one.
    """
    message = HANDLED.get()
    if message is not None and message.driver == driver.serial:
        return message
    return driver.current
