"""Takes the steps of a call on a thread, which waits where they wait."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from clnwire.rpc._waiting import ExpiredError, Pause, Ready

if TYPE_CHECKING:
    from clnwire.rpc._waiting import Steps, Wait

T = TypeVar("T")


def run(steps: Steps[T], timeout: float | None = None) -> T:
    """The steps' result; after `timeout` seconds `ExpiredError` is thrown into them."""
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        wait = next(steps)
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            wait = next(steps) if _has_come(wait, remaining) else steps.throw(ExpiredError())
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        # After an interrupt the connection must not be used any more; the steps see to it.
        steps.close()


def _has_come(wait: Wait, remaining: float | None) -> bool:
    """Waits, for so many seconds at most."""
    if remaining is not None and remaining <= 0:
        return False
    if isinstance(wait, Ready):
        poll = select.poll()
        poll.register(wait.fd, select.POLLOUT if wait.for_writing else select.POLLIN)
        return bool(poll.poll(None if remaining is None else remaining * 1000))
    if isinstance(wait, Pause):
        time.sleep(wait.seconds if remaining is None else min(wait.seconds, remaining))
        return True
    come = threading.Event()
    wait.on_come(come.set)
    return come.wait(remaining)
