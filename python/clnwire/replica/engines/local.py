"""The engine `file:`: a directory, on another disk than the node's database.

```
DIRECTORY/lock                    locked by the writer, whose process id it has
DIRECTORY/bases.lock              locked by whoever adds or removes bases
DIRECTORY/head.json               node, generation, epoch, owner: what is valid
DIRECTORY/000001/                 a generation
    base-SEQUENCE.sqlite3, .json  bases; a base is there once its .json is
    *.segment                     the journal: the sets after the first base
```

A generation is written aside and renamed. It counts once `head.json` names it, so after a crash
the old one is valid or the new one is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.journal import (
    Journal,
    JournalDamagedError,
    JournalError,
    JournalFailedError,
    JournalFullError,
    JournalLockedError,
    digest_of_file,
    prune,
    read,
)
from clnwire.replica.engines import Engine
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.files import create, pieces, sync, write_synced
from clnwire.replica.records import Base, Head, Record

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from clnwire.replica.files import Progress

_T = TypeVar("_T")
FORMAT: Final = 1
SEGMENT_BYTES: Final = 16 << 20
_CHUNK: Final = 4 << 20
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IN_MEMORY: Final = ("tmpfs", "ramfs")


class _Owned(msgspec.Struct, frozen=True):
    """What `head.json` says."""

    format: int
    node: str
    generation: int
    epoch: int
    owner: str

    def head(self, sequence: int, chain: bytes) -> Head:
        """The head after a set."""
        return Head(self.node, self.generation, self.epoch, self.owner, sequence, chain)


class LocalEngine(Engine):
    """A replica in a directory. See `Engine`."""

    def __init__(
        self,
        directory: Path,
        node: str,
        *,
        writes: bool,
        survives: str = "power-loss",
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Opens nothing yet.

        `writes` says whether this is the writer, of which there is one; others read meanwhile.
        `survives` is what a set survives once it is stored: `power-loss` or `process-crash`.
        """
        super().__init__(f"file:{directory}", node)
        self.directory, self._writes = directory, writes
        self._survives, self._segment_bytes = survives, segment_bytes
        self._lock = -1
        self._journal: Journal | None = None
        self._head: Head | None = None

    def open(self) -> None:
        self._check_directory()
        if self._writes:
            self._lock = _lock(self.directory / "lock")
        try:
            owned = self._owned()
            if owned is not None and self._writes:
                self._journal = self._open_journal(owned.generation)
                self._head = owned.head(self._journal.sequence, self._journal.chain)
        except BaseException:
            self.close()
            raise

    def _check_directory(self) -> None:
        try:
            status = self.directory.stat()
        except OSError as error:
            raise RefusedError(
                f"{self.directory}: {error.strerror}; is its disk mounted? `clnwire replica init` "
                "makes the directory of a new replica"
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise RefusedError(f"{self.directory}: is not a directory")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise RefusedError(
                f"{self.directory}: others may read it, and it can spend the node's money; run "
                f"`chmod 700 {self.directory}`"
            )
        if self._survives == "power-loss" and _file_system(self.directory) in _IN_MEMORY:
            raise RefusedError(
                f"{self.directory}: is in memory, and gone after a power failure; use a directory "
                'on a disk, or survives = "process-crash"'
            )

    def _owned(self) -> _Owned | None:
        path = self.directory / "head.json"
        try:
            owned = _decode(path, _Owned)
        except FileNotFoundError:
            return None
        if owned.format > FORMAT:
            raise RefusedError(
                f"{path}: its format is newer than this clnwire; install a newer one"
            )
        if owned.node != self.node:
            raise RefusedError(
                f"{self.directory}: is the replica of the node {owned.node!r}, and not of "
                f"{self.node!r}; give each node its own directory"
            )
        return owned

    def _open_journal(self, generation: int) -> Journal:
        with _explained(self.directory):
            return Journal.open(
                self._generation(generation),
                segment_bytes=self._segment_bytes,
                durability=self._survives,
            )

    def _generation(self, generation: int) -> Path:
        return self.directory / f"{generation:06}"

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._head = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def head(self) -> Head | None:
        if self._writes:
            return self._head
        owned = self._owned()
        if owned is None:
            return None
        base = self._bases_of(owned.generation)[-1]
        sequence, chain = base.sequence, base.chain
        for record in self.records(owned.generation, base.sequence):
            sequence, chain = record.sequence, record.chain
        return owned.head(sequence, chain)

    # Writing

    def begin(self, expected: Head | None, head: Head, base: Path, progress: Progress) -> Base:
        self._check(expected)
        with _explained(self.directory):
            aside = self.directory / f"{head.generation:06}.new"
            for leftover in (aside, self._generation(head.generation)):
                shutil.rmtree(leftover, ignore_errors=True)
            aside.mkdir(0o700)
            size, now = base.stat().st_size, time.time()
            stored = Base(*head.place, head.epoch, head.chain, size, head.chain, now)
            _store(stored, base, aside / _base_name(head.sequence), progress)
            write_synced(aside / _base_name(head.sequence, "json"), msgspec.json.encode(stored))
            Journal.create(
                aside,
                sequence=head.sequence,
                chain=head.chain,
                segment_bytes=self._segment_bytes,
                durability=self._survives,
            ).close()
            sync(aside)
            aside.rename(self._generation(head.generation))
            sync(self.directory)
        journal = self._open_journal(head.generation)
        self._own(head)
        if self._journal is not None:
            self._journal.close()
        self._journal = journal
        return stored

    def take_over(self, expected: Head, head: Head) -> None:
        self._check(expected)
        self._own(head)

    def _own(self, head: Head) -> None:
        owned = _Owned(FORMAT, head.node, head.generation, head.epoch, head.owner)
        with _explained(self.directory):
            write_synced(self.directory / "head.json", msgspec.json.encode(owned))
        self._head = head

    def _check(self, expected: Head | None) -> None:
        if self._lock < 0:
            raise RefusedError(f"{self.name}: is not open for writing")
        if expected != self._head:
            raise FencedError(f"{self.name}: another instance has written to it since")

    def append(self, expected: Head, record: Record) -> Head:
        if expected is not self._head:
            self._check(expected)
        journal = self._journal
        if journal is None:
            raise RefusedError(f"{self.name}: is not open for writing")
        try:
            chain = journal.append(
                record.sequence, record.epoch, record.foreign_keys, record.payload
            )
        except (JournalError, OSError) as error:
            raise _explain(error, self.directory) from error
        self._head = head = Head(
            expected.node, expected.generation, record.epoch, expected.owner, record.sequence, chain
        )
        if chain != record.chain:
            raise ReplicaError(f"{self.name}: set {record.sequence} has another chain than it says")
        return head

    def settle(self, expected: Head, record: Record) -> Head:
        # A write to a file fails or succeeds, so what is there is durable.
        head = self._head
        return head if head and head.chain == record.chain else self.append(expected, record)

    # Reading

    def bases(self) -> list[Base]:
        owned = self._owned()
        if owned is None:
            return []
        found: list[Base] = []
        for directory in sorted(self.directory.glob("[0-9]" * 6)):
            # Of an older generation, pruning may have removed a part.
            if int(directory.name) < owned.generation:
                found += _read_bases(directory)
        return found + self._bases_of(owned.generation)

    def _bases_of(self, generation: int) -> list[Base]:
        directory = self._generation(generation)
        found = _read_bases(directory)
        if not found:
            raise ReplicaError(f"{directory}: has no base, so nothing can be restored from it")
        return found

    def _pieces(self, base: Base) -> Iterator[bytes]:
        with _explained(self.directory), self.base_path(base).open("rb") as file:
            yield from iter(lambda: file.read(_CHUNK), b"")

    def _shown(self, base: Base) -> str:
        return f"{self.base_path(base)}:"

    def read_base(self, base: Base, target: Path, progress: Progress) -> None:
        with _explained(target.parent):
            super().read_base(base, target, progress)

    def base_path(self, base: Base) -> Path:
        """The file of a base."""
        return self._generation(base.generation) / _base_name(base.sequence)

    def _sets(self, generation: int, after: int, until: int | None) -> Iterator[Record]:
        with _explained(self.directory):
            for record in read(self._generation(generation), after, until):
                yield Record(*record)

    # Bases

    @contextmanager
    def _bases_locked(self) -> Generator[None, None, None]:
        """Waits for others that change bases. What one of them has left unfinished can be removed.

        The node's instance takes no part: the generation that it makes counts only afterwards.
        """
        with _explained(self.directory):
            fd = os.open(
                self.directory / "bases.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                yield
            finally:
                os.close(fd)

    def add_base(self, base: Base, file: Path, progress: Progress) -> None:
        target = self.base_path(base)
        described = target.with_name(_base_name(base.sequence, "json"))
        with self._bases_locked():
            if described.exists():
                return
            for leftover in target.parent.glob(".base-*.new"):
                leftover.unlink()
            aside = target.with_name(f".{target.name}.new")
            _store(base, file, aside, progress)
            aside.rename(target)
            write_synced(described, msgspec.json.encode(base))

    def prune(self, keep: Base) -> None:
        with self._bases_locked():
            generation = self._generation(keep.generation)
            if not (generation / _base_name(keep.sequence, "json")).exists():
                # Another one has pruned more.
                return
            for path in generation.glob("base-*.json"):
                if path.name < _base_name(keep.sequence, "json"):
                    path.unlink()
            sync(generation)
            for path in generation.glob("base-*.sqlite3"):
                if not path.with_suffix(".json").exists():
                    path.unlink()
            for directory in sorted(self.directory.glob("[0-9]" * 6)):
                if int(directory.name) < keep.generation:
                    shutil.rmtree(directory)
            prune(generation, keep.sequence + 1)

    def warning(self) -> str | None:
        journal = self._journal
        try:
            missing = None if journal is None else journal.reserve_missing
        except JournalError:
            # The node's thread has closed it meanwhile.
            return None
        return missing and f"{missing}; the present file of the journal is the last one"


def make_directory(directory: Path) -> None:
    """Makes the directory of a new replica; its parent must exist."""
    directory.mkdir(0o700, exist_ok=True)
    sync(directory.parent)


def _base_name(sequence: int, ending: str = "sqlite3") -> str:
    # Sequences of equal length sort by their names.
    return f"base-{sequence:020}.{ending}"


def _read_bases(directory: Path) -> list[Base]:
    """The bases in the directory of a generation. One may be removed meanwhile."""
    found: list[Base] = []
    for path in sorted(directory.glob("base-*.json")):
        with suppress(FileNotFoundError):
            found.append(_decode(path, Base))
    return found


def _decode(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise RefusedError(f"{path}: cannot be read: run this as the node's user") from error
    except OSError as error:
        raise ReplicaError(f"{path}: cannot be read: {error.strerror}") from error
    except UNDECODABLE as error:
        raise ReplicaError(f"{path}: is damaged: {error}") from error


def _lock(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RefusedError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except BlockingIOError:
        pid = os.read(fd, 20).decode(errors="replace").strip()
        os.close(fd)
        # An earlier run may just be ending, so a start waits for it.
        raise UnavailableError(
            f"{path.parent}: the process {pid} writes to this replica; two nodes must not have one "
            "state: find out what that process is"
        ) from None
    except OSError as error:
        os.close(fd)
        raise _explain(error, path.parent) from error
    return fd


def _store(base: Base, source: Path, target: Path, progress: Progress) -> None:
    """Copies the file of a base to a new one, which is durable on return."""
    try:
        with _explained(target.parent), create(target) as file:
            file.writelines(pieces(source, base.size, _CHUNK, progress))
        if digest_of_file(target) != base.file_digest:
            raise ReplicaError(f"{source}: has changed while it was copied; try again")
    except ReplicaError:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _explained(directory: Path) -> Generator[None, None, None]:
    try:
        yield
    except (JournalError, OSError) as error:
        raise _explain(error, directory) from error


def _explain(error: JournalError | OSError, directory: Path) -> ReplicaError:
    """What an error of the journal or the system means for the node."""
    if isinstance(error, JournalFullError):
        return UnavailableError(f"{error}; make room on the disk of the replica")
    if isinstance(error, JournalLockedError):
        # An earlier run may just be ending.
        return UnavailableError(str(error))
    if isinstance(error, JournalFailedError):
        return RefusedError(
            f"{error}. What the disk has is unknown now: check the disk, then start the node again"
        )
    if isinstance(error, JournalDamagedError):
        return ReplicaError(
            f"{error}. Stop the node, move the replica away, and start the node: it begins a new "
            "one. `clnwire replica restore --at` can use the old one up to there"
        )
    if isinstance(error, JournalError):
        return ReplicaError(str(error))
    if isinstance(error, FileNotFoundError):
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
        return ReplicaError(
            f"{what}. If it was removed because there is a newer base now, try again; otherwise "
            "check the disk"
        )
    if error.errno in _FULL:
        return UnavailableError(f"{directory}: {error.strerror}; make room on its disk")
    return RefusedError(f"{error.filename or directory}: {error.strerror}; check the disk")


def _file_system(directory: Path) -> str:
    """The type of the file system that a directory is on; empty where that cannot be known."""
    device = directory.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, behind = line.partition(" - ")
            if fields.split()[2] == number:
                return behind.split()[0]
    return ""
