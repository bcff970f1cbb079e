"""A digest of what a SQLite database contains, whatever its pages look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from struct import pack
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

_SIZE: Final = 32
_BLOCK: Final = 1 << 20
_ALIASES: Final = ("rowid", "_rowid_", "oid")


class DatabaseDigest(msgspec.Struct, frozen=True):
    """Digests of a database: hexadecimal, equal for equal contents."""

    schema: str
    """Of all statements that make tables, indices, views and triggers."""
    tables: dict[str, str]
    """Of the rows of each table, with their row ids."""

    def difference(self, other: DatabaseDigest) -> str | None:
        """What differs, in words; `None` if nothing does."""
        names = sorted(
            name
            for name in self.tables.keys() | other.tables.keys()
            if self.tables.get(name) != other.tables.get(name)
        )
        parts = ["the schema"] if self.schema != other.schema else []
        return ", ".join([*parts, *(f"table {name}" for name in names)]) or None


def digest_of(path: Path) -> DatabaseDigest:
    """The digest of a database that nobody writes to meanwhile.

    Raises `sqlite3.Error` if the file is no database, or is damaged.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
        # Text becomes `bytearray` and blobs `bytes`, so the two stay apart without decoding.
        database.text_factory = bytearray
        digests = {name: _digest_rows(database, name) for name in _tables(database)}
        return DatabaseDigest(_digest_schema(database), digests)


def _tables(database: sqlite3.Connection) -> list[str]:
    # SQLite's statistics only change how it searches. Virtual tables keep their rows in others.
    rows = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_stat%' "
        "ESCAPE '\\' AND rootpage > 0 ORDER BY name"
    )
    return [bytes(name).decode("utf-8", "surrogateescape") for (name,) in rows]


def _digest_schema(database: sqlite3.Connection) -> str:
    rows = database.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE "
        "'sqlite\\_stat%' ESCAPE '\\' ORDER BY type, name"
    )
    settings = [
        database.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")
    ]
    return _digest([*settings, *rows])


def _digest_rows(database: sqlite3.Connection, table: str) -> str:
    quoted = '"{}"'.format(table.replace('"', '""'))
    columns = list(database.execute(f"PRAGMA table_info({quoted})"))
    rowid = _row_id(database, quoted, {bytes(row[1]).lower() for row in columns})
    if rowid is None:
        # The columns of the primary key, or all columns if there is none.
        found = sorted((row[5], row[1]) for row in columns if row[5])
        names = [name for _, name in found] or [row[1] for row in columns]
        keys = ", ".join('"{}"'.format(bytes(name).decode().replace('"', '""')) for name in names)
        return _digest(database.execute(f"SELECT * FROM {quoted} ORDER BY {keys}"))
    # VACUUM, which the node does not report, gives new row ids to tables without an index.
    is_kept = database.execute(f"PRAGMA index_list({quoted})").fetchone() is not None
    shown = f"{rowid}, *" if is_kept else "*"
    return _digest(database.execute(f"SELECT {shown} FROM {quoted} ORDER BY {rowid}"))


def _row_id(database: sqlite3.Connection, quoted: str, columns: set[bytes]) -> str | None:
    """The name under which the table has its row ids; `None` if it has none."""
    for name in _ALIASES:
        if name.encode() not in columns:
            try:
                database.execute(f"SELECT {name} FROM {quoted} LIMIT 0")
            except sqlite3.OperationalError:
                return None
            return name
    return None


def _digest(rows: Iterator[tuple[object, ...]] | list[tuple[object, ...]]) -> str:
    hasher, block = blake2b(digest_size=_SIZE), bytearray()
    for row in rows:
        block += b"r%d" % len(row)
        for value in row:
            _add(block, value)
        if len(block) > _BLOCK:
            hasher.update(block)
            block.clear()
    hasher.update(block)
    return hasher.hexdigest()


def _add(block: bytearray, value: object) -> None:
    """Adds a value so that no two different rows give the same bytes."""
    if value is None:
        block += b"n"
    elif isinstance(value, int):
        block += b"i%d;" % value
    elif isinstance(value, float):
        block += b"f" + pack("<d", value)
    elif isinstance(value, bytearray):
        block += b"t%d;" % len(value)
        block += value
    elif isinstance(value, bytes):
        block += b"b%d;" % len(value)
        block += value
