"""The events that a call waits for, and `run`, which waits for them on the calling thread.

A call is a generator. It yields an event and is resumed once the event has occurred, so the same
steps serve threads (`run`) and asyncio tasks (`clnwire.rpc._task`).
"""

import select
import threading
import time
from collections.abc import Callable, Generator
from typing import Final, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")


class Ready(NamedTuple):
    """A socket becomes readable, or writable."""

    fd: int
    for_writing: bool


class Pause(NamedTuple):
    """Time passes."""

    seconds: float


class Signal:
    """Another call, perhaps on another thread, calls `set`."""

    __slots__ = ("_lock", "_wake", "is_set")

    def __init__(self) -> None:
        # Reentrant, because a signal handler may end the wait while its thread begins it.
        self._lock = threading.RLock()
        self._wake: Callable[[], object] | None = None
        self.is_set = False

    def set(self) -> None:
        """Ends the wait. Thread-safe."""
        with self._lock:
            self.is_set = True
            wake = self._wake
        if wake is not None:
            wake()

    def on_set(self, wake: Callable[[], object]) -> None:
        """Calls `wake` once the signal is set, at once if it is; perhaps on another thread."""
        with self._lock:
            self._wake = wake
            is_set = self.is_set
        if is_set:
            wake()


Wait: TypeAlias = Ready | Pause | Signal
Steps: TypeAlias = Generator[Wait, None, T]

QUEUE_IS_FULL: Final = Pause(0.01)
"""The listen queue is full. No event tells when the daemon accepts, so try again after this."""


class ExpiredError(Exception):
    """Thrown into the steps of a call at its time-out."""


def run(steps: Steps[T], timeout: float | None = None) -> T:
    """Runs the steps on the calling thread, which each wait blocks, and returns their result. After
    `timeout` seconds, throws `ExpiredError` into the steps."""
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
