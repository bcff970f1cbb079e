"""What a call waits for. A call is a generator that yields one of these and goes on when it has
come: so the same steps serve threads, which block, and tasks, which await."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Final, NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")


class Ready(NamedTuple):
    """That a socket can be read from or written to."""

    fd: int
    for_writing: bool


class Pause(NamedTuple):
    """That some time passes."""

    seconds: float


class Signal:
    """That another call, perhaps of another thread, says so."""

    __slots__ = ("_lock", "_wake", "has_come")

    def __init__(self) -> None:
        # Reentrant: a signal's handler may end the wait while this thread begins it.
        self._lock = threading.RLock()
        self._wake: Callable[[], object] | None = None
        self.has_come = False

    def come(self) -> None:
        """Ends the wait; from any thread."""
        with self._lock:
            self.has_come = True
            wake = self._wake
        if wake is not None:
            wake()

    def on_come(self, wake: Callable[[], object]) -> None:
        """Calls `wake` when the signal comes, at once if it has; perhaps from another thread."""
        with self._lock:
            self._wake = wake
            has_come = self.has_come
        if has_come:
            wake()


Wait: TypeAlias = Ready | Pause | Signal
Steps: TypeAlias = Generator[Wait, None, T]

QUEUE_IS_FULL: Final = Pause(0.01)
"""Until the daemon has accepted connections that came before; there is no event to wait for."""


class ExpiredError(Exception):
    """Thrown into the steps of a call whose time is up."""
