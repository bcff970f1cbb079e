"""Files of the plugin `backup`, written here as that plugin writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from clnwire.replica.errors import ReplicaError
from clnwire.replica.importing import Imported, import_backup
from tests.replica.nodes import SCHEMA, add, commit, dump, numbered


class Backup:
    """A file of `backup`: it is appended to, whatever the plugin means to rewind."""

    def __init__(self, path: Path, snapshot: tuple[int, Path] | None = None) -> None:
        self.path = path
        path.write_bytes(struct.pack("!IIQIQQ", 1, 0, 512, 0, 0, 0).ljust(512, b"\0"))
        if snapshot is not None:
            version, database = snapshot
            self._add(version, 2, database.read_bytes())

    def add(self, version: int, *writes: str) -> None:
        self._add(version, 1, b"\0".join(each.encode() for each in writes))

    def _add(self, version: int, kind: int, payload: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(struct.pack("!IIB", len(payload), version, kind) + payload)


def imported(backup: Backup, target: Path) -> Imported:
    return import_backup(backup.path, target, lambda _what, _done, _total: None)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node's database at version 3."""
    database = tmp_path / "node.sqlite3"
    commit(database, numbered(1, (*SCHEMA, add(1))), numbered(2, (add(2),)), numbered(3, (add(3),)))
    return database


def test_a_snapshot_and_sets(node: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    for version in range(4, 10):
        writes = numbered(version, (add(version), "INSERT INTO notes VALUES ('π ⚡', x'00ff')"))
        backup.add(version, *writes)
        commit(node, writes)
    done = imported(backup, tmp_path / "new")
    assert (done.version, done.sets, done.replaced, done.cut) == (9, 6, 0, 0)
    assert dump(tmp_path / "new") == dump(node)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_from_the_first_set_of_a_new_node(tmp_path: Path) -> None:
    backup, node = Backup(tmp_path / "backup"), tmp_path / "node.sqlite3"
    for version, writes in enumerate([(*SCHEMA, add(1)), (add(2),)], 1):
        backup.add(version, *numbered(version, writes))
        commit(node, numbered(version, writes))
    assert imported(backup, tmp_path / "new").version == 2
    assert dump(tmp_path / "new") == dump(node)


@pytest.mark.parametrize("times", [1, 3])
def test_what_the_node_did_not_commit_is_left_out(node: Path, tmp_path: Path, times: int) -> None:
    """The fault of `backup`: its restore executes both sets."""
    backup = Backup(tmp_path / "backup", (3, node))
    for time in range(times):
        backup.add(4, *numbered(4, (add(100 + time),)))
    for version in (4, 5):
        backup.add(version, *numbered(version, (add(version),)))
        commit(node, numbered(version, (add(version),)))
    done = imported(backup, tmp_path / "new")
    assert (done.sets, done.replaced) == (2, times)
    assert dump(tmp_path / "new") == dump(node)


def test_settings_replace_nothing(node: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    backup.add(4, *numbered(4, (add(4),)))
    backup.add(4, "PRAGMA foreign_keys = OFF;")
    backup.add(5, *numbered(5, (add(5),)))
    # The node restarts, and says that it has not committed version 5.
    backup.add(4, "PRAGMA foreign_keys = ON;")
    backup.add(5, *numbered(5, (add(50),)))
    commit(node, numbered(4, (add(4),)), numbered(5, (add(50),)))
    done = imported(backup, tmp_path / "new")
    assert (done.sets, done.replaced) == (2, 1)
    assert dump(tmp_path / "new") == dump(node)


def test_statements_of_old_releases(node: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    backup.add(4, "CREATE TABLE outputs (id INTEGER, reserved_til INTEGER)")
    commit(node, ("CREATE TABLE outputs (id INTEGER, reserved_til INTEGER)",))
    writes = numbered(5, ("UPDATE outputs SET reserved_til=0WHERE id=1",))
    backup.add(5, *writes)
    assert imported(backup, tmp_path / "new").sets == 2


def test_each_cut_of_the_end_leaves_the_last_record_out(node: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    backup.add(4, *numbered(4, (add(4),)))
    whole = backup.path.stat().st_size
    backup.add(5, *numbered(5, (add(5),)))
    content = backup.path.read_bytes()
    for size in range(whole, len(content)):
        backup.path.write_bytes(content[:size])
        target = tmp_path / f"new-{size}"
        done = imported(backup, target)
        assert (done.version, done.cut) == (4, size - whole)


@pytest.mark.parametrize(
    ("begin", "size", "said"),
    [
        (b"", 0, "is no file of the plugin backup"),
        (b"SQLite format 3\0", None, "is no file of the plugin backup"),
        (b"", 512, "has no copy of the database"),
        (b"\0\0\0\x01".ljust(520, b"\0") + b"\x07", None, "damaged at byte 512"),
    ],
)
def test_what_is_no_backup(
    node: Path, tmp_path: Path, begin: bytes, size: int | None, said: str
) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    content = backup.path.read_bytes()
    backup.path.write_bytes(begin + content[len(begin) : size])
    with pytest.raises(ReplicaError, match=said):
        imported(backup, tmp_path / "new")
    assert not list(tmp_path.glob("*new*"))


def test_a_gap_is_named(node: Path, tmp_path: Path) -> None:
    backup = Backup(tmp_path / "backup", (3, node))
    backup.add(5, *numbered(5, (add(5),)))
    with pytest.raises(
        ReplicaError, match=r"version 5, before byte .* after version 3; others are"
    ):
        imported(backup, tmp_path / "new")
    assert not list(tmp_path.glob("*new*"))


def test_a_database_that_is_there_stays(node: Path, tmp_path: Path) -> None:
    before = node.read_bytes()
    with pytest.raises(ReplicaError, match="exists, and nothing is replaced"):
        imported(Backup(tmp_path / "backup", (3, node)), node)
    assert node.read_bytes() == before
