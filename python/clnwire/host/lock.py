"""The lock file that allows one host per directory."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import IO, TYPE_CHECKING

from clnwire.host.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path


def locked(path: Path) -> IO[bytes]:
    """Opens and locks the file. The lock is held until the file is closed or the process ends.

    Raises `HostError` if another host holds the lock or the file cannot be opened.
    """
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read(20).decode("ascii", "replace").strip() or "unknown"
        file.close()
        raise HostError(f"another host runs in {path.parent} (process {pid})") from None
    if not _is_still(path, file):
        # Another host removed the file after we opened it, so our lock excludes nobody. Retry.
        file.close()
        return locked(path)
    file.truncate(0)
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file


def _opened(path: Path) -> IO[bytes]:
    """Opens the file without truncating it.

    Refuses symbolic links, whose target would be overwritten, and anything but a regular file;
    `O_NONBLOCK` keeps a named pipe from blocking.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise HostError(f"{path} is a symbolic link; remove it") from None
        raise HostError(f"cannot open {path}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise HostError(f"{path} is not a regular file; remove it")
    return os.fdopen(descriptor, "a+b")


def _is_still(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
