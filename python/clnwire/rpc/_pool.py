"""Connections that are kept open, and whose turn it is to use one.

The daemon serves one command at a time on a connection, so each call has one to itself. There are
as many as there were calls at the same time, up to a limit; beyond it calls wait, first come first
served. A handler that the daemon may be waiting for never does: the calls it would wait for may
themselves be waiting for the handler. It gets a connection beyond the limit.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from clnwire.errors import ConnectionLostError
from clnwire.rpc._waiting import Signal

if TYPE_CHECKING:
    from clnwire.rpc._connection import Connection
    from clnwire.rpc._waiting import Steps


class Turn(Signal):
    """A call's turn to use a connection."""

    __slots__ = ("connection", "is_refused")

    connection: Connection | None
    """An open one; without it, a new one may be opened."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = None
        self.is_refused = False

    def give(self, connection: Connection | None, *, is_refused: bool = False) -> None:
        """Ends the wait; from any thread."""
        self.connection, self.is_refused = connection, is_refused
        self.come()


class Pool:
    """At most `limit` connections are kept, and handed to calls that may have to wait."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Reentrant: a signal's handler may call while this thread holds the lock. The call leaves
        # the counts unchanged, but may empty a list that was not empty a moment ago.
        self._lock = threading.RLock()
        self._idle: list[Connection] = []
        self._used: set[Connection] = set()
        self._taken = 0
        """How many calls have their turn: each has a connection, or is about to open one."""
        self._waiting: deque[Turn] = deque()

    def take(self, *, may_exceed: bool) -> Steps[Connection | None]:
        """One's turn: with an open connection, or without, to open a new one.

        Ends with `give_back` or with `drop`. Raises `ConnectionLostError` at `hang_up`.
        """
        with self._lock:
            if self._taken < self._limit or may_exceed:
                self._taken += 1
                connection = _last(self._idle)
                return None if connection is None else self._marked(connection)
            turn = Turn()
            self._waiting.append(turn)
        try:
            yield turn
        except BaseException:
            self._leave(turn)
            raise
        if turn.is_refused:
            raise ConnectionLostError("the client hung up", may_have_run=False)
        return turn.connection

    def opened(self, connection: Connection) -> Connection:
        """From now on `hang_up` ends it, too."""
        with self._lock:
            return self._marked(connection)

    def give_back(self, connection: Connection) -> None:
        """The call has ended well: the next one may use the connection."""
        with self._lock:
            if self._taken <= self._limit:
                turn = _first(self._waiting)
                if turn is not None:
                    turn.give(connection)
                    return
                self._idle.append(connection)
                self._used.discard(connection)
                self._taken -= 1
                return
        self.drop(connection)

    def drop(self, connection: Connection | None) -> None:
        """The call has ended in a way that the connection must not be used any more."""
        self.discard(connection)
        with self._lock:
            self._taken -= 1
            turn = _first(self._waiting) if self._taken < self._limit else None
            if turn is not None:
                self._taken += 1
                turn.give(None)

    def discard(self, connection: Connection | None) -> None:
        """Closes a connection; it stays one's turn."""
        if connection is not None:
            with self._lock:
                self._used.discard(connection)
            connection.close()

    def hang_up(self) -> None:
        """Ends all connections and calls; later calls connect again."""
        with self._lock:
            idle, self._idle = self._idle, []
            for connection in self._used:
                connection.hang_up()
            while (turn := _first(self._waiting)) is not None:
                turn.give(None, is_refused=True)
        for connection in idle:
            connection.close()

    def forget(self) -> None:
        """In a forked child: the connections are the parent's.

        Another thread may have held the lock at the fork. Calls under way end with an error.
        """
        self._lock = threading.RLock()
        self._idle = []
        self._waiting.clear()

    def _marked(self, connection: Connection) -> Connection:
        self._used.add(connection)
        return connection

    def _leave(self, turn: Turn) -> None:
        """Who waited is gone; if the turn came at the same moment, the next one gets it."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        if turn.has_come and not turn.is_refused:
            if turn.connection is None:
                self.drop(None)
            else:
                self.give_back(turn.connection)


def _last(idle: list[Connection]) -> Connection | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _first(waiting: deque[Turn]) -> Turn | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None
