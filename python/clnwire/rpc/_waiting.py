"""The events that a call waits for.

A call is a generator. It yields an event and is resumed once the event has occurred, so the same
steps serve threads, which block, and tasks, which await.
"""

from __future__ import annotations

import threading
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
