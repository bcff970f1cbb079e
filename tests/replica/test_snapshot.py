"""A raw copy of a database that is in the middle of a transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clnwire.replica.errors import ReplicaError
from clnwire.replica.snapshot import copy_raw, remove
from tests.replica.nodes import SCHEMA, add, commit, dump, numbered


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "lightningd.sqlite3"
    commit(path, numbered(1, SCHEMA), numbered(2, (add(1),)))
    return path


def test_a_calm_database(database: Path, tmp_path: Path) -> None:
    logged: list[str] = []
    raw = copy_raw(database, tmp_path / "copy", logged.append)
    assert raw.open(2) == (tmp_path / "copy").stat().st_size
    assert dump(tmp_path / "copy") == dump(database)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert not logged


@pytest.mark.parametrize("mode", ["DELETE", "WAL", "PERSIST"])
@pytest.mark.parametrize("rows", [1, 2000])
@pytest.mark.parametrize("is_linked", [False, True])
def test_an_unfinished_transaction_is_not_in_it(
    database: Path, tmp_path: Path, mode: str, rows: int, is_linked: bool
) -> None:
    if is_linked:
        # SQLite has the journal beside the file that the link names.
        (tmp_path / "disk").mkdir()
        database.rename(tmp_path / "disk" / "node.sqlite3")
        database.symlink_to(tmp_path / "disk" / "node.sqlite3")
    # With many rows the page cache spills, so the file holds what is not committed.
    with closing(sqlite3.connect(database, isolation_level=None)) as node:
        node.execute(f"PRAGMA journal_mode = {mode}")
        node.execute("PRAGMA cache_size = 10")
        node.execute("BEGIN")
        node.executemany(
            "INSERT INTO notes VALUES (?, ?)", [("note", b"x" * 900) for _ in range(rows)]
        )
        node.execute("COMMIT")
        before = dump(database)
        node.execute("BEGIN")
        node.execute("UPDATE notes SET data = x'01', text = 'another'")
        copy_raw(database, tmp_path / "copy", print).open(2)
        assert dump(tmp_path / "copy") == before
        # The copy has no lock on the node's database, and the node goes on.
        node.execute("COMMIT")
    files = {path.name for path in tmp_path.iterdir()}
    assert {name for name in files if name.startswith("copy")} == {"copy"}


def test_another_version_is_refused(database: Path, tmp_path: Path) -> None:
    raw = copy_raw(database, tmp_path / "copy", print)
    with pytest.raises(ReplicaError, match="at version 2, and not at 3"):
        raw.open(3)
    remove(raw.path)
    assert not (tmp_path / "copy").exists()


def test_what_is_no_node_s_database(tmp_path: Path) -> None:
    commit(tmp_path / "other", ("CREATE TABLE a (b)",))
    raw = copy_raw(tmp_path / "other", tmp_path / "copy", print)
    with pytest.raises(ReplicaError, match="no database of Core Lightning"):
        raw.open(1)
    (tmp_path / "text").write_text("text" * 1000)
    raw = copy_raw(tmp_path / "text", tmp_path / "copy", print)
    with pytest.raises(ReplicaError, match="not a database"):
        raw.open(1)


def test_damage_is_found(database: Path, tmp_path: Path) -> None:
    commit(database, *[numbered(3, tuple(add(coin) for coin in range(2, 2000)))])
    with database.open("r+b") as file:
        file.seek(4 * 4096)
        file.write(b"\xff" * 8192)
    raw = copy_raw(database, tmp_path / "copy", print)
    with pytest.raises(ReplicaError, match=r"damaged|malformed"):
        raw.open(3)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReplicaError, match=r"set `database` in clnwire-replica\.toml"):
        copy_raw(tmp_path / "none", tmp_path / "copy", print)


def test_a_database_before_its_first_commit(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    assert copy_raw(tmp_path / "new", tmp_path / "copy", print).open(0) >= 0
    assert dump(tmp_path / "copy") == ["BEGIN TRANSACTION;", "COMMIT;"]
