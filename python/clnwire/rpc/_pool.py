"""A pool of open connections.

The daemon serves one command at a time on a connection, so each call uses a connection alone.
Connections are opened on demand up to a limit; above it, calls wait in the order in which they
came. A call from a handler that the daemon may be waiting for does not wait and may exceed the
limit: the calls ahead of it may themselves be waiting for that handler, which would be a deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from clnwire.errors import ConnectionLostError
from clnwire.rpc._waiting import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.rpc._connection import RpcConnection
    from clnwire.rpc._waiting import Steps

T = TypeVar("T")


class FreeConnection(Signal):
    """A wait for a free connection."""

    __slots__ = ("connection", "is_refused")

    connection: RpcConnection | None
    """An open connection; `None` permits the call to open a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = None
        self.is_refused = False

    def grant(self, connection: RpcConnection | None, *, is_refused: bool = False) -> None:
        """Ends the wait; `is_refused` if the pool hung up. Thread-safe."""
        self.connection, self.is_refused = connection, is_refused
        self.set()


class ConnectionPool:
    """Keeps at most `limit` connections open and lends them to calls."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Reentrant, because a signal handler may make a call while its thread holds the lock. That
        # call leaves `_granted` as it was, but can empty a list between a check and a pop: hence
        # `_taken` catches IndexError.
        self._lock = threading.RLock()
        self._idle: list[RpcConnection] = []
        self._used: set[RpcConnection] = set()
        self._granted = 0
        """The number of calls that have a connection or are about to open one."""
        self._waiting: deque[FreeConnection] = deque()

    def acquire(self, *, may_exceed: bool) -> Steps[RpcConnection | None]:
        """Waits for a free connection; `None` permits the caller to open a new one.

        Each `acquire` must be followed by `release` or `drop`. Raises `ConnectionLostError` if
        `hang_up` is called meanwhile.
        """
        with self._lock:
            if self._granted < self._limit or may_exceed:
                self._granted += 1
                connection = _taken(self._idle.pop)
                return None if connection is None else self._mark_used(connection)
            wait = FreeConnection()
            self._waiting.append(wait)
        try:
            yield wait
        except BaseException:
            self._give_up(wait)
            raise
        if wait.is_refused:
            raise ConnectionLostError("the client hung up", may_have_run=False)
        return wait.connection

    def opened(self, connection: RpcConnection) -> RpcConnection:
        """Registers a new connection, so that `hang_up` ends it too."""
        with self._lock:
            return self._mark_used(connection)

    def release(self, connection: RpcConnection) -> None:
        """Returns the connection of a call that got its reply; the next call may use it."""
        with self._lock:
            if self._granted <= self._limit:
                wait = _taken(self._waiting.popleft)
                if wait is not None:
                    wait.grant(connection)
                    return
                self._idle.append(connection)
                self._used.discard(connection)
                self._granted -= 1
                return
        self.drop(connection)

    def drop(self, connection: RpcConnection | None) -> None:
        """Ends a call whose connection, if any, must not be used again."""
        self.discard(connection)
        with self._lock:
            self._granted -= 1
            wait = _taken(self._waiting.popleft) if self._granted < self._limit else None
            if wait is not None:
                self._granted += 1
                wait.grant(None)

    def discard(self, connection: RpcConnection | None) -> None:
        """Closes a connection. The call still counts against the limit and may open another."""
        if connection is not None:
            with self._lock:
                self._used.discard(connection)
            connection.close()

    def hang_up(self) -> None:
        """Closes all connections, so that calls in flight fail. Later calls connect again."""
        with self._lock:
            idle, self._idle = self._idle, []
            for connection in self._used:
                connection.hang_up()
            while (wait := _taken(self._waiting.popleft)) is not None:
                wait.grant(None, is_refused=True)
        for connection in idle:
            connection.close()

    def forget(self) -> None:
        """Runs in a forked child: drops the connections, which belong to the parent. Replaces the
        lock, which another thread may have held at the fork. Calls in flight fail."""
        self._lock = threading.RLock()
        self._idle = []
        self._waiting.clear()

    def _mark_used(self, connection: RpcConnection) -> RpcConnection:
        self._used.add(connection)
        return connection

    def _give_up(self, wait: FreeConnection) -> None:
        """Gives up a wait. A connection that was granted at the same moment goes to the next."""
        with self._lock:
            if wait in self._waiting:
                self._waiting.remove(wait)
                return
        if wait.is_set and not wait.is_refused:
            if wait.connection is None:
                self.drop(None)
            else:
                self.release(wait.connection)


def _taken(pop: Callable[[], T]) -> T | None:
    try:
        return pop()
    except IndexError:
        return None
