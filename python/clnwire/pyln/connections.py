"""The connections to the daemon that calls leave open for later ones."""

from __future__ import annotations

import os
import socket
from typing import Any, ClassVar, Final

from clnwire.pyln.unix_socket import UnixSocket

MOST: Final = 8
"""Those that are kept; threads may use more at the same time."""
CHANGE_THEIRS: Final = ("batching", "deprecations", "notifications")
"""Commands that change how the daemon serves their connection."""
PEEK: Final = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Connections:
    """Those of one client, whose threads each take their own. A forked child begins with none."""

    are_kept: ClassVar[bool] = True
    """Not once the daemon shuts down: it serves those that it has, but refuses new ones, which is
    what a call of pyln-client meets."""

    def __init__(self) -> None:
        self._idle: list[UnixSocket] = []
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return Connections, ()

    def take(self, kind: type, path: Any) -> UnixSocket | None:
        """One to this path that the daemon keeps open too; `None` if a new one is needed."""
        if self._process != os.getpid():
            self._idle, self._process = [], os.getpid()
        while self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:
                break  # Another thread has taken it.
            if kind is UnixSocket and self.are_kept and kept.path == path and _is_open(kept):
                return kept
            kept.close()
        return None

    def keep(self, connection: Any) -> None:
        """Takes one that has nothing more to read."""
        if type(connection) is UnixSocket and self.are_kept and len(self._idle) < MOST:
            self._idle.append(connection)
        else:
            connection.close()


def _is_open(connection: UnixSocket) -> bool:
    assert connection.sock is not None
    try:
        connection.sock.recv(1, PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False  # The end, or what nobody has asked for.
