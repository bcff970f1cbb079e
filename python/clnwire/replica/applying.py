"""Executes sets of writes on a SQLite database, as the node has executed them."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Final

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica.errors import ReplicaError
from clnwire.replica.sets import statements
from clnwire.replica.snapshot import readable

if TYPE_CHECKING:
    from pathlib import Path

_TRANSACTION: Final = re.compile(r"\s*(BEGIN|COMMIT|END)\b", re.IGNORECASE)
"""Statements to skip: each set gets its own transaction."""


class Applier:
    """A database that sets are executed on, each in its own transaction. A context manager.

    The file is not synced: `close` it and sync it before relying on it.
    """

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        """Opens a database. With `keep` a crash leaves it whole, perhaps some sets behind.

        Raises `ReplicaError` if it cannot be read.
        """
        with readable(path):
            self._database = sqlite3.connect(path, isolation_level=None)
            try:
                # Otherwise a crash leaves a file to discard, so nothing is synced or rolled back.
                self._database.execute(f"PRAGMA synchronous = {'NORMAL' if keep else 'OFF'}")
                self._database.execute(f"PRAGMA journal_mode = {'WAL' if keep else 'MEMORY'}")
            except sqlite3.Error:
                self._database.close()
                raise
        self._foreign_keys: bool | None = None

    def apply(self, sequence: int, payload: bytes | memoryview, *, foreign_keys: bool) -> None:
        """Executes one set.

        Raises:
            ReplicaError: A statement fails, so the database is not the one that the set was for.
        """
        statement = ""
        try:
            self._enforce(foreign_keys)
            # Deferred constraints are checked at COMMIT, and a set has to pass them by itself.
            self._database.execute("BEGIN")
            for statement in statements(payload):
                if not _TRANSACTION.match(statement):
                    self._database.execute(statement)
            self._database.execute("COMMIT")
        except (sqlite3.Error, sqlite3.Warning, *UNDECODABLE) as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise ReplicaError(
                f"set {sequence} cannot be executed: {error}; its statement: {statement[:200]}"
            ) from error

    def _enforce(self, foreign_keys: bool) -> None:
        if foreign_keys != self._foreign_keys:
            self._database.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
            self._foreign_keys = foreign_keys

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def __enter__(self) -> Applier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
