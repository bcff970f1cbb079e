"""Runs the steps of a call on the calling thread; each wait blocks it."""

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
    """Runs the steps and returns their result.

    After `timeout` seconds, throws `ExpiredError` into the steps.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        wait = next(steps)
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            wait = next(steps) if _wait_for(wait, remaining) else steps.throw(ExpiredError())
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        # After a KeyboardInterrupt, closing the generator makes it drop its connection.
        steps.close()


def _wait_for(wait: Wait, remaining: float | None) -> bool:
    """Waits for at most `remaining` seconds; False if they passed first."""
    if remaining is not None and remaining <= 0:
        return False
    if isinstance(wait, Ready):
        poll = select.poll()
        poll.register(wait.fd, select.POLLOUT if wait.for_writing else select.POLLIN)
        return bool(poll.poll(None if remaining is None else remaining * 1000))
    if isinstance(wait, Pause):
        time.sleep(wait.seconds if remaining is None else min(wait.seconds, remaining))
        return True
    signalled = threading.Event()
    wait.on_set(signalled.set)
    return signalled.wait(remaining)
