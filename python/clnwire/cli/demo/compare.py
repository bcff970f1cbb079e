"""Whether two SQLite databases hold the same, and if not, where they differ first."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Final

from clnwire._wire.foreign import shortened

SHOWN: Final = 160
"""Characters of a row that a message shows."""
_SCHEMA: Final = (
    "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' ORDER BY name"
)
"""Tables, indices, views and triggers with their SQL; not SQLite's own."""


def first_difference(node: Path, replica: Path) -> str | None:
    """What differs first between schemas and then rows, in words; `None` if nothing does.

    A replica that is missing, or cannot be read, is a difference too.
    """
    if not replica.is_file():
        return f"the plugin left no database at {replica}"
    with closing(_open(node)) as ours, closing(_open(replica)) as theirs:
        try:
            return next(_differences(ours, theirs), None)
        except sqlite3.DatabaseError as error:
            return f"the replica cannot be read: {error}"


def _open(path: Path) -> sqlite3.Connection:
    # Not read-only: SQLite may first have to finish what a process that was killed has left.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _differences(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[str]:
    node, replica = ({row[0]: row for row in side.execute(_SCHEMA)} for side in (ours, theirs))
    for name in sorted(node.keys() | replica.keys()):
        if node.get(name) != replica.get(name):
            yield f"schema, {name}: {_versus(node.get(name), replica.get(name))}"
    for name in (name for name, row in node.items() if row[1] == "table"):
        # The demo's tables all have rowids.
        query = f'SELECT rowid, * FROM "{name}" ORDER BY rowid'
        pairs = zip_longest(ours.execute(query), theirs.execute(query))
        for number, (one, other) in enumerate(pairs, start=1):
            # For SQLite 1 and 1.0 are not the same, so compare how they are written.
            if repr(one) != repr(other):
                yield f"table {name}, row {number}: {_versus(one, other)}"


def _versus(node: object, replica: object) -> str:
    sides = ("nothing" if row is None else shortened(repr(row), SHOWN) for row in (node, replica))
    return "the node has {}, the replica {}".format(*sides)
