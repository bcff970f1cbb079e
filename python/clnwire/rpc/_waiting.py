"""What a call waits for. A call is a generator that yields one of these and goes on when it has
come: so the same steps serve threads, which block, and tasks, which await."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from clnwire.rpc._connection import Connection

T = TypeVar("T")


class Ready(NamedTuple):
    """That a socket can be read from or written to."""

    fd: int
    for_writing: bool


class Pause(NamedTuple):
    """That some time passes."""

    seconds: float


class Turn:
    """That it is one's turn to use a connection."""

    __slots__ = ("_lock", "_wake", "connection", "has_come", "is_refused")

    connection: Connection | None
    """An open one; without it, a new one may be opened."""

    def __init__(self) -> None:
        # Reentrant: a signal's handler may end the wait while this thread begins it.
        self._lock = threading.RLock()
        self._wake: Callable[[], object] | None = None
        self.connection = None
        self.has_come = self.is_refused = False

    def come(self, connection: Connection | None, *, is_refused: bool = False) -> None:
        """Ends the wait; from any thread."""
        with self._lock:
            self.connection, self.is_refused, self.has_come = connection, is_refused, True
            wake = self._wake
        if wake is not None:
            wake()

    def on_come(self, wake: Callable[[], object]) -> None:
        """Calls this when the turn comes, at once if it has; perhaps from another thread."""
        with self._lock:
            self._wake = wake
            has_come = self.has_come
        if has_come:
            wake()


Wait: TypeAlias = Ready | Pause | Turn
Steps: TypeAlias = Generator[Wait, None, T]

QUEUE_IS_FULL: Final = Pause(0.01)
"""Until the daemon has accepted connections that came before; there is no event to wait for."""


class ExpiredError(Exception):
    """Thrown into the steps of a call whose time is up."""
