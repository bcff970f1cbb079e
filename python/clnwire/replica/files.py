"""Files of their owner alone, which survive a power failure once they are synced."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica.errors import ReplicaError

_T = TypeVar("_T")
_SCRATCH: Final = ".clnwire-replica-"
_LOCK: Final = "lock"
Progress = Callable[[int, int], object]
"""Called with the bytes done and the bytes in all."""


def write_synced(path: Path, content: bytes | Callable[[Path], bytes]) -> None:
    """Replaces a file, or makes it. After a crash it has its old content or the new one.

    A function gets the new file, which will have the place of the old one, and returns its content.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.unlink(missing_ok=True)
        with create(aside) as file:
            file.write(content(aside) if callable(content) else content)
        aside.replace(path)
        sync(path.parent)
    except OSError as error:
        # A full disk is reported without a name.
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def named(path: Path) -> Generator[None, None, None]:
    """Has an error name the file; that of a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def create(path: Path, *, durable: bool = True) -> Generator[BinaryIO, None, None]:
    """A new file, readable by its owner only. If all went well it is synced at the end."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with named(path), os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file
        if durable:
            file.flush()
            os.fsync(file.fileno())


def pieces(path: Path, size: int, length: int, progress: Progress) -> Iterator[bytes]:
    """The content of a file of this size, at most so many bytes at once."""
    done = 0
    with named(path), path.open("rb") as file:
        while data := file.read(length):
            yield data
            done += len(data)
            progress(done, size)
    if done != size:
        raise ReplicaError(f"{path}: has changed while it was copied; try again")


def sync(path: Path) -> None:
    """Makes a file's content, or the names in a directory, durable."""
    with named(path):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def read_json(path: Path, kind: type[_T]) -> _T | None:
    """What a file has; `None` if it is absent or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, *UNDECODABLE):
        return None


@contextmanager
def scratch(parent: Path) -> Generator[Path, None, None]:
    """A directory for copies of the database, which only its owner may read, removed at the end.

    Removes those of killed processes, which have copies of the database.
    """
    import tempfile

    for lock in parent.glob(f"{_SCRATCH}*/{_LOCK}"):
        with suppress(OSError), lock.open("rb") as found:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
    try:
        with (folder / f"{_LOCK}.new").open("xb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            # So nobody ever finds it unlocked while this process lives.
            (folder / f"{_LOCK}.new").rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
