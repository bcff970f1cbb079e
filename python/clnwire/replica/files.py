"""Files that survive a power failure: written aside, synced, and renamed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_synced(path: Path, content: bytes | Callable[[Path], bytes]) -> None:
    """Replaces a file, or makes it. After a crash it has its old content or the new one.

    A function gets the new file, which will have the place of the old one, and returns its content.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, content(aside) if callable(content) else content)
            os.fsync(fd)
        finally:
            os.close(fd)
        aside.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        # A full disk is reported without a name.
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all bytes; `os.write` may write fewer."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
