"""One run of a replica: how it starts, what it stores, and what it refuses."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clnwire.replica.applying import Applier
from clnwire.replica.engines.local import make_directory
from clnwire.replica.keeper import Keeper
from clnwire.replica.opening import open_engine
from clnwire.replica.reading import Reader
from clnwire.replica.records import VERSIONS
from clnwire.replica.sealing import sealing_of
from clnwire.replica.settings import ReplicaSettings, from_table
from tests.replica.nodes import SCHEMA, add, commit, dump, numbered, payload


def restore(settings: ReplicaSettings, target: Path, until: int | None = None) -> int:
    """Restores to a set; returns its sequence."""
    engine = open_engine(settings, writes=False)
    reader = Reader(engine, sealing_of(settings))
    bases = engine.bases()
    base = next(each for each in bases if each.generation == bases[-1].generation)
    reader.read_base(base, target, lambda _what, _done, _total: None)
    last = base.sequence
    with Applier(target) as applier:
        for record in engine.records(base.generation, last, until, base.chain):
            params = reader.opened(base.generation, record).payload
            applier.apply(record.sequence, params, foreign_keys=record.foreign_keys)
            last = record.sequence
    engine.close()
    return last


class MiniNode:
    """A node's database, and the replica of it."""

    def __init__(self, folder: Path, replica: Path, **more: object) -> None:
        self.folder, self.replica = folder, replica
        self.more = more
        self.version = 0
        self.logged: list[str] = []
        self.keeper: Keeper | None = None
        folder.mkdir(exist_ok=True)

    @property
    def database(self) -> Path:
        return self.folder / "lightningd.sqlite3"

    @property
    def settings(self) -> ReplicaSettings:
        table = {"engine": f"file:{self.replica}", "node": "alice", "patience": 0.3, **self.more}
        return from_table(table, self.folder / "clnwire-replica.toml")

    def ask(self, *writes: str, version: int) -> str | None:
        """Has the replica store a set, and returns why it does not."""
        if self.keeper is None:
            log = self.logged
            self.keeper = Keeper(self.settings, self.folder, lambda _, text: log.append(text))
        return self.keeper.take(payload(version, *writes))

    def commit(self, *writes: str) -> None:
        """Has a set stored, and commits it."""
        writes = numbered(self.version + 1, writes)
        assert self.ask(*writes, version=self.version + 1) is None
        self.commit_alone(*writes)

    def commit_alone(self, *writes: str) -> None:
        """Commits a set that the replica does not see."""
        if not any("data_version" in each for each in writes):
            writes = numbered(self.version + 1, writes)
        commit(self.database, writes)
        self.version = (self.version + 1) % VERSIONS

    def lose(self, *writes: str) -> None:
        """Has a set stored, and ends before it is committed."""
        writes = numbered(self.version + 1, writes)
        assert self.ask(*writes, version=self.version + 1) is None
        self.end()

    def refusal(self, *writes: str) -> str:
        """Why a set is refused at a new start."""
        self.end()
        refused = self.ask(*numbered(self.version + 1, writes), version=self.version + 1)
        self.end()
        assert refused is not None
        return refused

    def end(self) -> None:
        """Ends the run."""
        if self.keeper is not None:
            self.keeper.close()
            self.keeper = None

    def assert_same(self) -> None:
        """What is restored is what the node has."""
        self.end()
        restored = self.folder / "restored"
        restored.unlink(missing_ok=True)
        sequence = restore(self.settings, restored)
        assert sequence % VERSIONS == self.version
        assert dump(restored) == dump(self.database)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[MiniNode]:
    make_directory(tmp_path / "copy")
    node = MiniNode(tmp_path / "node", tmp_path / "copy")
    yield node
    node.end()


@pytest.fixture
def coins(node: MiniNode) -> MiniNode:
    node.commit(*SCHEMA, add(1))
    return node


def test_from_the_first_commit_of_all(coins: MiniNode) -> None:
    for coin in range(2, 6):
        coins.commit(add(coin))
    assert "generation 1 begins with a snapshot at version 0" in coins.logged[0]
    coins.assert_same()
    left = {path.name for path in coins.folder.iterdir()}
    assert left == {"lightningd.sqlite3", "clnwire-replica.owner", "restored"}


def test_from_an_old_database(node: MiniNode) -> None:
    node.commit_alone(*SCHEMA, add(1))
    node.commit_alone(add(2))
    node.commit(add(3))
    node.assert_same()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rb"\ud800", "the set has text that cannot be restored"),
        (rb"\u0000", "statement 1 has a zero byte"),
    ],
)
def test_what_nobody_could_restore_is_refused(coins: MiniNode, text: bytes, said: str) -> None:
    assert coins.keeper is not None
    statement = b"INSERT INTO notes VALUES ('" + text + b"', NULL)"
    refused = coins.keeper.take(b'{"data_version":2,"writes":["' + statement + b'"]}')
    assert refused is not None
    assert said in refused
    coins.end()
    coins.commit("INSERT INTO notes VALUES ('\x1f\\u0000 ⚡', NULL)")
    coins.assert_same()


def test_a_start_takes_over(coins: MiniNode) -> None:
    for coin in range(2, 5):
        coins.end()
        coins.commit(add(coin))
    assert "epoch 4" in coins.logged[-1]
    coins.assert_same()


@pytest.mark.parametrize("sets", [0, 1, 5])
def test_a_set_that_was_not_committed_is_replaced(coins: MiniNode, sets: int) -> None:
    for coin in range(sets):
        coins.commit(add(10 + coin))
    coins.lose(add(2))
    coins.lose(add(3))
    coins.commit(add(4))
    coins.assert_same()


def test_a_gap_is_healed(coins: MiniNode) -> None:
    coins.end()
    coins.commit_alone(add(2))
    coins.commit_alone(add(3))
    coins.commit(add(4))
    assert any("lacks 2 sets" in each and "generation 2" in each for each in coins.logged)
    coins.assert_same()


def test_a_gap_may_be_refused(coins: MiniNode) -> None:
    coins.more["on-gap"] = "refuse"
    coins.end()
    coins.commit_alone(add(2))
    assert "on-gap" in coins.refusal(add(3))


def test_a_gap_while_running_is_refused_and_healed_by_the_next_start(coins: MiniNode) -> None:
    coins.commit_alone(add(2))
    refused = coins.ask(*numbered(3, (add(3),)), version=3)
    assert refused is not None
    assert "the node has committed without the replica" in refused
    assert coins.ask(*numbered(3, (add(3),)), version=3) == refused
    coins.end()
    coins.commit(add(3))
    coins.assert_same()


def copied(node: MiniNode, folder: Path) -> MiniNode:
    """The same node, with a copy of its directory."""
    node.end()
    shutil.copytree(node.folder, folder)
    copy = MiniNode(folder, node.replica)
    copy.version = node.version
    return copy


@pytest.mark.promise("a stale copy of the node's directory is started", "refused, with what to do")
def test_a_stale_copy_is_refused(coins: MiniNode, tmp_path: Path) -> None:
    copy = copied(coins, tmp_path / "other")
    coins.commit(add(2))
    coins.commit(add(3))
    coins.commit(add(4))
    coins.end()
    assert "the node's database is old" in copy.refusal(add(5))
    coins.commit(add(5))
    coins.assert_same()


def test_a_clone_one_behind_is_refused(coins: MiniNode, tmp_path: Path) -> None:
    copy = copied(coins, tmp_path / "other")
    coins.commit(add(2))
    coins.end()
    assert "another instance wrote" in copy.refusal(add(5))
    coins.commit(add(3))
    coins.assert_same()


def test_a_fork_is_refused(coins: MiniNode, tmp_path: Path) -> None:
    copy = copied(coins, tmp_path / "other")
    coins.commit(add(2))
    coins.end()
    for coin in range(3, 6):
        copy.commit_alone(add(coin))
    assert "another instance wrote" in copy.refusal(add(6))


@pytest.mark.promise(
    "a second node begins while the first one runs",
    "it is kept out, or takes over and the first one ends",
)
def test_a_second_node_is_kept_out(coins: MiniNode, tmp_path: Path) -> None:
    copy = copied(coins, tmp_path / "other")
    coins.commit(add(2))
    refused = copy.refusal(add(2))
    assert "two nodes must not have one state" in refused
    coins.commit(add(3))
    coins.assert_same()


def test_a_moved_node_begins_a_generation(coins: MiniNode, tmp_path: Path) -> None:
    copy = copied(coins, tmp_path / "other")
    copy.commit(add(2))
    copy.assert_same()
    assert "another instance wrote" in coins.refusal(add(3))


def test_settings_of_the_connection(coins: MiniNode) -> None:
    coins.commit(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE children (parent INTEGER REFERENCES parents (id) ON DELETE CASCADE)",
        "INSERT INTO parents VALUES (1), (2)",
        "INSERT INTO children VALUES (1), (2)",
    )
    assert coins.ask("PRAGMA foreign_keys = OFF;", version=2) is None
    writes = numbered(3, ("DELETE FROM parents WHERE id = 1",))
    assert coins.ask(*writes, version=3) is None
    with closing(sqlite3.connect(coins.database, isolation_level=None)) as database:
        for statement in writes:
            database.execute(statement)
    coins.version = 3
    assert coins.ask("PRAGMA foreign_keys = ON;", version=3) is None
    coins.commit("DELETE FROM parents WHERE id = 2")
    coins.assert_same()


def test_the_version_wraps(node: MiniNode) -> None:
    node.commit_alone(*SCHEMA)
    commit(node.database, numbered(VERSIONS - 2, ()))
    node.version = VERSIONS - 2
    for coin in range(1, 4):
        node.commit(add(coin))
        node.version %= VERSIONS
        node.end()
    assert node.version == 1
    node.assert_same()


@pytest.mark.parametrize("kind", ["zlib", "aes"])
def test_sealed(coins: MiniNode, tmp_path: Path, kind: str) -> None:
    coins.end()
    shutil.rmtree(coins.replica)
    make_directory(coins.replica)
    if kind == "aes":
        pytest.importorskip("cryptography")
        from clnwire.replica.sealing import new_key_file

        new_key_file(tmp_path / "key")
        coins.more["encryption-key-file"] = str(tmp_path / "key")
    else:
        coins.more["compression"] = "zlib"
    (coins.folder / "clnwire-replica.owner").unlink()
    for coin in range(2, 40):
        coins.commit(add(coin))
    coins.lose(add(100))
    coins.commit(add(101))
    stored = b"".join(path.read_bytes() for path in coins.replica.rglob("*") if path.is_file())
    assert b"INSERT INTO" not in stored
    coins.assert_same()


def test_an_engine_that_lost_all(coins: MiniNode) -> None:
    coins.commit(add(2))
    coins.end()
    shutil.rmtree(coins.replica)
    make_directory(coins.replica)
    coins.more["on-gap"] = "refuse"
    assert "has nothing of this node" in coins.refusal(add(3))
    del coins.more["on-gap"]
    coins.commit(add(3))
    assert any("the engine has lost the replica" in each for each in coins.logged)
    coins.assert_same()


def test_an_engine_that_went_back(coins: MiniNode, tmp_path: Path) -> None:
    coins.end()
    shutil.copytree(coins.replica, tmp_path / "older")
    coins.commit(add(2))
    coins.commit(add(3))
    coins.end()
    shutil.rmtree(coins.replica)
    shutil.copytree(tmp_path / "older", coins.replica)
    coins.commit(add(4))
    coins.assert_same()


def test_an_unmounted_disk(coins: MiniNode) -> None:
    coins.end()
    coins.replica.rename(coins.replica.with_name("away"))
    assert "is its disk mounted?" in coins.refusal(add(2))


def test_what_is_no_set(node: MiniNode) -> None:
    log = node.logged
    keeper = Keeper(node.settings, node.folder, lambda _, text: log.append(text))
    refused = keeper.take(b'{"data_version":1,"writes":[]}')
    assert refused is not None
    assert "not in SQLite" in refused


def test_the_status(coins: MiniNode) -> None:
    coins.commit(add(2))
    assert coins.keeper is not None
    status = coins.keeper.status
    assert (status.sequence, status.sets, status.generation, status.epoch) == (2, 2, 1, 1)
    assert status.bytes_since_base == status.set_bytes > 100
    assert status.acknowledgement_seconds >= status.slowest_seconds > 0
