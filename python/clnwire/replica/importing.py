"""Restores the node's database from a file of the plugin `backup` of lightningd/plugins.

The file has a header of 512 bytes, of which the first four are the number 1, and then records: the
length of the payload (u32), the `data_version` (u32, both big-endian), a kind (one byte), and the
payload. Of kind 1 it is statements, separated by zero bytes; of kind 2 a copy of the database.

The plugin means to remove a set that the node did not commit, but leaves it in the file and writes
its replacement behind it. So of several sets in a row with one version the last counts. Settings
(PRAGMAs alone) carry the version of the last commit, and replace nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from clnwire.replica.applying import Applier
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import create
from clnwire.replica.records import VERSIONS
from clnwire.replica.restoring import check_database, new_database
from clnwire.replica.sets import Settings, read_set
from clnwire.replica.snapshot import remove

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.reading import Steps

_HEADER: Final = 512
_FORMAT: Final = b"\0\0\0\x01"
_RECORD: Final = Struct("!IIB")
_SETS, _SNAPSHOT = 1, 2
_MISSING_SPACE: Final = re.compile(r"\b(reserved_til|peer_id)=([0-9]+)WHERE\b")
"""Old releases of Core Lightning sent such statements, which SQLite no longer accepts."""


class Imported(msgspec.Struct, frozen=True):
    """What a file of `backup` held."""

    version: int
    """The version of the database."""
    sets: int
    """How many sets were executed."""
    replaced: int
    """How many sets were left out, since the node had not committed them."""
    cut: int
    """How many bytes at the end were left out: a record that was not written to its end."""
    size: int
    """The size of the database in bytes."""


class _Entry(msgspec.Struct, frozen=True):
    version: int
    kind: int
    payload: bytes
    end: int
    """Where it ends in the file, in bytes."""

    def params(self) -> bytes:
        """The params of the `db_write` message. Raises `UnicodeDecodeError`."""
        statements = [
            _MISSING_SPACE.sub(r"\1=\2 WHERE", part.decode()) for part in self.payload.split(b"\0")
        ]
        return msgspec.json.encode({"data_version": self.version, "writes": statements})


def import_backup(source: Path, target: Path, steps: Steps) -> Imported:
    """Makes the database in a new file.

    Raises:
        ReplicaError: The source is not such a file, a set is missing, or the database is damaged.
    """
    with source.open("rb") as file, new_database(target) as aside:
        size = os.fstat(file.fileno()).st_size
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:4] != _FORMAT:
            raise ReplicaError(
                f"{source}: is no file of the plugin backup: it does not begin with a header of "
                "its format 1"
            )
        work = _Work(source, aside)
        with closing(work):
            for entry in _entries(file, source):
                work.take(entry)
                steps("executing sets", entry.end, size)
            work.flush()
        if work.version is None:
            raise ReplicaError(
                f"{source}: has no copy of the database, and does not begin at version 1"
            )
        check_database(aside, work.version)
        return Imported(
            work.version, work.sets, work.replaced, size - work.end, aside.stat().st_size
        )


def _entries(file: BinaryIO, source: Path) -> Iterator[_Entry]:
    """The whole records. What is cut at the end was never approved."""
    end = _HEADER
    while len(head := file.read(_RECORD.size)) == _RECORD.size:
        length, version, kind = _RECORD.unpack(head)
        if kind not in (_SETS, _SNAPSHOT):
            raise ReplicaError(f"{source}: is damaged at byte {end}: there is no record")
        payload = file.read(length)
        if len(payload) < length:
            return
        end += _RECORD.size + length
        yield _Entry(version, kind, payload, end)


class _Work:
    """Executes sets one behind, since the next one may replace the last."""

    def __init__(self, source: Path, database: Path) -> None:
        self._source, self._database = source, database
        self._applier: Applier | None = None
        self._waiting: _Entry | None = None
        self._foreign_keys = True
        self.version: int | None = None
        """The version of the database, with what waits."""
        self.sets = self.replaced = 0
        self.end = _HEADER

    def take(self, entry: _Entry) -> None:
        """Takes the next record."""
        if entry.kind == _SNAPSHOT:
            self._begin(entry.payload)
            self.version = entry.version
        else:
            self._take_set(entry)
        self.end = entry.end

    def _begin(self, snapshot: bytes) -> None:
        self.close()
        self._waiting, self._foreign_keys = None, True
        remove(self._database)
        with create(self._database, durable=False) as file:
            file.write(snapshot)
        self._applier = Applier(self._database)

    def _take_set(self, entry: _Entry) -> None:
        if self.version is None and entry.version == 1:
            self._begin(b"")
            self.version = 0
        try:
            change = read_set(entry.params())
        except (ReplicaError, UnicodeDecodeError) as error:
            raise self._error(entry, f"its record cannot be read: {error}") from error
        if isinstance(change, Settings):
            self._note(entry, change)
        elif self._waiting is not None and entry.version == self.version:
            self.replaced += 1
            self._waiting = entry
        elif self.version is not None and entry.version == (self.version + 1) % VERSIONS:
            self.flush()
            self._waiting, self.version = entry, entry.version
        else:
            raise self._error(entry, f"it comes after version {self.version}; others are missing")

    def _note(self, entry: _Entry, settings: Settings) -> None:
        if settings.unsupported is not None:
            raise self._error(entry, f"this setting is not supported: {settings.unsupported}")
        if self._waiting is not None and (entry.version + 1) % VERSIONS == self.version:
            self.replaced += 1
            self._waiting, self.version = None, entry.version
        self.flush()
        if settings.foreign_keys is not None:
            self._foreign_keys = settings.foreign_keys

    def flush(self) -> None:
        """Executes the set that waits."""
        entry, self._waiting = self._waiting, None
        if entry is not None and self._applier is not None:
            self._applier.apply(entry.version, entry.params(), foreign_keys=self._foreign_keys)
            self.sets += 1

    def close(self) -> None:
        """Closes the database."""
        if self._applier is not None:
            self._applier.close()

    def _error(self, entry: _Entry, what: str) -> ReplicaError:
        return ReplicaError(
            f"{self._source}: the set of version {entry.version}, before byte {entry.end}: {what}"
        )
