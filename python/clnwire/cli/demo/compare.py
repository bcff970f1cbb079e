"""Whether two SQLite databases hold the same, and if not, where they differ first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row: TypeAlias = tuple[object, ...]
SHOWN: Final = 160
"""Characters of a row that a message shows."""


def first_difference(node: Path, replica: Path) -> str | None:
    """What differs first between schemas and then rows, in words; `None` if nothing does.

    A replica that is missing, or cannot be read, is a difference too.
    """
    if not replica.is_file():
        return f"the plugin left no database at {replica}"
    with closing(_open(node)) as ours, closing(_open(replica)) as theirs:
        try:
            return _schema_difference(ours, theirs) or _row_difference(ours, theirs)
        except sqlite3.DatabaseError as error:
            return f"the replica cannot be read: {error}"


def _open(path: Path) -> sqlite3.Connection:
    # Not read-only: SQLite may first have to finish what a process that was killed has left.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _schema(database: sqlite3.Connection) -> dict[str, Row]:
    """Tables, indices, views and triggers with their SQL; not SQLite's own."""
    rows = database.execute(
        "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' ORDER BY name"
    )
    return {row[0]: row for row in rows}


def _schema_difference(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> str | None:
    node, replica = _schema(ours), _schema(theirs)
    for name in sorted(node.keys() | replica.keys()):
        if node.get(name) != replica.get(name):
            return f"schema, {name}: {_versus(node.get(name), replica.get(name))}"
    return None


def _row_difference(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> str | None:
    for name, (_, kind, *_rest) in _schema(ours).items():
        if kind != "table":
            continue
        pairs = zip_longest(_rows(ours, name), _rows(theirs, name))
        for number, (node, replica) in enumerate(pairs, start=1):
            if not _same(node, replica):
                return f"table {name}, row {number}: {_versus(node, replica)}"
    return None


def _rows(database: sqlite3.Connection, table: str) -> Iterator[Row]:
    """All rows with their rowids, in that order. The demo's tables all have them."""
    return database.execute(f'SELECT rowid, * FROM "{table}" ORDER BY rowid')


def _same(node: Row | None, replica: Row | None) -> bool:
    """Values and their types: for SQLite 1 and 1.0 are not the same."""
    if node is None or replica is None:
        return False
    return node == replica and [*map(type, node)] == [*map(type, replica)]


def _versus(node: Row | None, replica: Row | None) -> str:
    return f"the node has {_shown(node)}, the replica {_shown(replica)}"


def _shown(row: Row | None) -> str:
    if row is None:
        return "nothing"
    text = repr(row)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
