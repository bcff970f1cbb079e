"""A blocking connection to a unix socket, whose path may be longer than the system takes."""

from __future__ import annotations

import os
import socket
from typing import Any


class UnixSocket:
    """Open from the start. Raises `OSError` if nobody listens."""

    def __init__(self, path: Any) -> None:
        self.path = path
        self.sock: socket.socket | None = None
        self.connect()

    def connect(self) -> None:
        """Connects. Raises `OSError`."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(self.sock)
        except OSError:
            self.close()
            raise

    def _connect(self, connection: socket.socket) -> None:
        try:
            connection.connect(str(self.path))
        except OSError as error:
            if error.args[0] != "AF_UNIX path too long":
                raise
            folder, name = os.path.split(os.path.abspath(self.path))
            descriptor = os.open(folder, os.O_DIRECTORY | os.O_RDONLY)
            try:
                # A short name of the folder. (macOS has no such thing.)
                connection.connect(f"/proc/self/fd/{descriptor}/{name}")
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Closes the connection, if it is open."""
        if self.sock is not None:
            self.sock.close()
        self.sock = None

    def sendall(self, b: bytes) -> None:
        """Sends all. Raises `OSError`."""
        self._open().sendall(b)

    def recv(self, length: int) -> bytes:
        """Receives up to so many bytes; none at the end. Raises `OSError`."""
        return self._open().recv(length)

    def _open(self) -> socket.socket:
        if self.sock is None:
            raise OSError("not connected")
        return self.sock

    def __del__(self) -> None:
        self.close()
