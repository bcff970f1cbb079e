"""A database as a node has it: numbered commits, the number in `vars`."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from clnwire.replica.records import VERSIONS

SCHEMA = (
    "CREATE TABLE vars (name TEXT, intval INTEGER, PRIMARY KEY (name))",
    "INSERT INTO vars VALUES ('data_version', 0)",
    "CREATE TABLE coins (id INTEGER PRIMARY KEY, sat INTEGER)",
    "CREATE TABLE notes (text TEXT, data BLOB)",
)


def add(coin: int) -> str:
    """The statement that adds a coin; a second time it fails."""
    return f"INSERT INTO coins VALUES ({coin}, {coin * 1000})"


def numbered(version: int, writes: tuple[str, ...]) -> tuple[str, ...]:
    """The writes of a set, with the statement that sets its version."""
    return (*writes, f"UPDATE vars SET intval = {version % VERSIONS} WHERE name = 'data_version'")


def payload(version: int, *writes: str) -> bytes:
    """The params of `db_write`, as lightningd writes them."""
    return msgspec.json.encode({"data_version": version % VERSIONS, "writes": writes})


def commit(database: Path, *sets: tuple[str, ...]) -> None:
    """Executes sets without asking anybody."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for writes in sets:
            connection.execute("BEGIN")
            for statement in writes:
                connection.execute(statement)
            connection.execute("COMMIT")


def dump(path: Path) -> list[str]:
    """All that a database holds, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@contextmanager
def a_full_disk(size: int) -> Generator[None, None, None]:
    """Has this process write no byte after so many of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
