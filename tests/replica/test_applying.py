"""Sets executed again give the database that the node has, and the digest sees any difference."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clnwire.replica.applying import Applier
from clnwire.replica.digest import digest_of
from clnwire.replica.errors import ReplicaError
from clnwire.replica.rules import Following, Note, Store
from clnwire.replica.sets import read_set
from tests.replica.nodes import SCHEMA, add, commit, dump, numbered, payload


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "node.sqlite3"
    commit(path, numbered(1, SCHEMA), numbered(2, (add(1),)))
    return path


def apply(path: Path, *sets: tuple[str, ...]) -> None:
    with Applier(path) as applier:
        for number, writes in enumerate(sets, start=1):
            applier.apply(number, payload(number, *writes), foreign_keys=True)


@pytest.mark.parametrize("keep", [False, True])
def test_what_is_no_database_is_named(tmp_path: Path, keep: bool) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(ReplicaError, match=r"/text: file is not a database"):
        Applier(tmp_path / "text", keep=keep)


def test_sets_are_executed(database: Path, tmp_path: Path) -> None:
    apply(tmp_path / "copy", numbered(1, SCHEMA), ("BEGIN;", *numbered(2, (add(1),)), "COMMIT;"))
    assert dump(tmp_path / "copy") == dump(database)
    assert digest_of(tmp_path / "copy") == digest_of(database)


def test_a_set_that_fails_leaves_nothing(database: Path) -> None:
    before = digest_of(database)
    with pytest.raises(ReplicaError, match=r"set 1 cannot be executed: UNIQUE.*INSERT INTO coins"):
        apply(database, (add(2), add(1)))
    assert digest_of(database) == before


def test_foreign_keys_are_as_the_node_had_them(tmp_path: Path) -> None:
    linked = (
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE children (parent INTEGER REFERENCES parents (id) ON DELETE CASCADE)",
        "INSERT INTO parents VALUES (1), (2), (3)",
        "INSERT INTO children VALUES (1), (2), (3)",
    )
    with Applier(tmp_path / "a") as applier:
        applier.apply(1, payload(1, *linked), foreign_keys=True)
        for parent, is_enforced in ((1, True), (2, False), (3, True)):
            delete = payload(parent + 1, f"DELETE FROM parents WHERE id = {parent}")
            applier.apply(parent + 1, delete, foreign_keys=is_enforced)
    with closing(sqlite3.connect(tmp_path / "a")) as database:
        assert database.execute("SELECT parent FROM children").fetchall() == [(2,)]


CHANGES = {
    "a value": "UPDATE coins SET sat = 1",
    "a type": "UPDATE notes SET text = 7.0 WHERE data = x'00'",
    "a blob of the same bytes": "UPDATE notes SET data = CAST(data AS TEXT)",
    "a row": "DELETE FROM coins",
    "an index": "CREATE INDEX sats ON coins (sat)",
    "a row id": "UPDATE keyed SET rowid = rowid + 1",
    "the user's version": "PRAGMA user_version = 3",
    "a table without row ids": "DELETE FROM bare",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_sees(database: Path, change: str) -> None:
    commit(
        database,
        (
            "CREATE TABLE keyed (name TEXT PRIMARY KEY)",
            "INSERT INTO keyed VALUES ('a')",
            "CREATE TABLE bare (name TEXT PRIMARY KEY) WITHOUT ROWID",
            "INSERT INTO bare VALUES ('a')",
            "INSERT INTO notes VALUES ('7', x'00')",
        ),
    )
    before = digest_of(database)
    commit(database, (change,))
    after = digest_of(database)
    assert after != before
    assert before.difference(after)


def test_the_digest_does_not_see_pages(database: Path) -> None:
    commit(
        database,
        (
            "INSERT INTO notes VALUES (1, 2), (3, 4), (5, 6)",
            "DELETE FROM notes WHERE text = 1",
            "CREATE TABLE rowid (rowid, _rowid_, oid)",
            "INSERT INTO rowid VALUES (3, 2, 1), (1, 2, 3)",
        ),
    )
    before = digest_of(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as node:
        node.execute("PRAGMA page_size = 8192")
        # This gives the rows of `notes` new row ids, since no index refers to them.
        node.execute("VACUUM")
        node.execute("ANALYZE")
    after = digest_of(database)
    assert after.difference(before) is None
    assert after == before


def captured(shared: Path) -> list[dict[str, Any]]:
    with gzip.open(shared / "captures" / "db_write.jsonl.gz") as lines:
        frames = (json.loads(line) for line in lines)
        messages = [json.loads(each["frame"]) for each in frames if each["dir"] == "in"]
    return [each["params"] for each in messages if each["method"] == "db_write"]


def test_a_node_s_whole_life(shared: Path, tmp_path: Path) -> None:
    """From a node's creation, with the settings that its migrations change."""
    direct = sqlite3.connect(tmp_path / "direct", isolation_level=None)
    direct.execute("PRAGMA synchronous = OFF")
    direct.execute("PRAGMA foreign_keys = ON")
    following, notes = Following.at(0, 0), 0
    with Applier(tmp_path / "copy") as applier, closing(direct):
        for params in captured(shared):
            raw = payload(params["data_version"], *params["writes"])
            step = following.step(read_set(raw))
            if isinstance(step, Store):
                applier.apply(step.sequence, raw, foreign_keys=step.foreign_keys)
                direct.execute("BEGIN")
            else:
                assert isinstance(step, Note)
                notes += 1
            for statement in params["writes"]:
                direct.execute(statement)
            if isinstance(step, Store):
                direct.execute("COMMIT")
            following = step.after
    assert (following.last, notes) == (2160, 2)
    assert digest_of(tmp_path / "copy") == digest_of(tmp_path / "direct")
