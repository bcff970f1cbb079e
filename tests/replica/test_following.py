"""Another machine follows a replica: its database, new bases, and what is pruned."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from clnwire.replica.digest import digest_of
from clnwire.replica.engines.local import LocalEngine, make_directory
from clnwire.replica.errors import ReplicaError, UnavailableError
from clnwire.replica.following import Follower
from clnwire.replica.opening import open_engine
from clnwire.replica.sealing import new_key_file
from clnwire.replica.snapshot import data_version
from tests.replica.nodes import SCHEMA, add
from tests.replica.postgres import Server
from tests.replica.test_keeper import MiniNode, restore


@pytest.fixture(params=["file", "postgresql"])
def new_node(request: pytest.FixtureRequest, node: str, tmp_path: Path):
    """Makes a node whose replica is in one of the engines."""

    def make(**more: object) -> MiniNode:
        more = {"node": node, "snapshot-interval": "1 KiB"} | more
        if request.param == "postgresql":
            server: Server = request.getfixturevalue("server")
            more |= {"engine": server.url, "patience": 20}
        else:
            make_directory(tmp_path / "copy")
        made.append(MiniNode(tmp_path / "node", tmp_path / "copy", **more))
        made[0].commit(*SCHEMA)
        return made[0]

    made: list[MiniNode] = []
    yield make
    for each in made:
        assert each.keeper is not None
        each.keeper.close()


def grow(node: MiniNode, first: int, count: int) -> None:
    for coin in range(first, first + count):
        node.commit(add(coin), f"INSERT INTO notes VALUES ('{'x' * 100}', NULL)")


@pytest.fixture
def follower(tmp_path: Path):
    made: list[Follower] = []

    def make(node: MiniNode, log: Callable[[str], object] = lambda _: None) -> Follower:
        made.append(Follower(node.settings, tmp_path / "following", log))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_it_has_what_is_certainly_committed(new_node, follower, tmp_path: Path):
    node = new_node(**{"snapshot-interval": "1 MiB"})
    grow(node, 1, 20)
    following = follower(node)
    assert following.catch_up() == 20
    grow(node, 21, 5)
    assert following.catch_up() == 25
    # The 26th may be uncommitted.
    restore(node.settings, tmp_path / "restored", 25)
    assert digest_of(following.database).difference(digest_of(tmp_path / "restored")) is None
    assert following.database.stat().st_mode & 0o077 == 0
    # It goes on from its files, without a base.
    logged: list[str] = []
    grow(node, 26, 1)
    assert follower(node, logged.append).catch_up() == 26
    assert not logged


@pytest.mark.parametrize("sealed", [False, True])
def test_it_makes_bases_and_prunes(new_node, follower, tmp_path: Path, sealed: bool):
    more: dict[str, object] = {}
    if sealed:
        pytest.importorskip("cryptography", reason="needs the extra: replica")
        new_key_file(tmp_path / "key")
        more = {"encryption-key-file": str(tmp_path / "key"), "compression": "zlib"}
    node = new_node(**more)
    following = follower(node)
    for first in (1, 21, 41):
        grow(node, first, 20)
        following.catch_up()
        # As a run that is killed leaves it.
        (tmp_path / "following" / ".following.copy.sealed").write_bytes(b"left")
    engine = open_engine(node.settings)
    bases = engine.bases()
    engine.close()
    assert [each.sequence for each in bases] == [40, 60]
    assert restore(node.settings, tmp_path / "restored", 61) == 61
    assert digest_of(tmp_path / "restored").difference(digest_of(node.database)) is None


def test_a_power_failure_takes_its_last_sets(new_node, follower):
    """Its database is synced less often than its note of where it is."""
    node = new_node(**{"snapshot-interval": "1 MiB"})
    grow(node, 1, 5)
    following = follower(node)
    following.catch_up()
    earlier = following.database.read_bytes()
    grow(node, 6, 5)
    assert following.catch_up() == 10
    following.close()
    following.database.write_bytes(earlier)
    logged: list[str] = []
    following = follower(node, logged.append)
    assert following.catch_up() == 10
    assert not logged
    with closing(sqlite3.connect(following.database)) as database:
        assert data_version(database) == 10


def test_its_database_is_damaged(new_node, follower):
    node = new_node()
    grow(node, 1, 3)
    following = follower(node)
    following.catch_up()
    following.database.write_text("no database" * 1000)
    with pytest.raises(ReplicaError, match=r"following.sqlite3: file is not a database"):
        follower(node).catch_up()


def test_the_same_numbers_with_other_sets(new_node, follower, tmp_path: Path):
    """An old state was restored, and a new replica begun: the numbers come again."""
    node = new_node(**{"snapshot-interval": "1 MiB"})
    grow(node, 1, 2)
    old = node.database.read_bytes()
    grow(node, 3, 5)
    follower(node).catch_up()
    node.end()
    begin_anew(node)
    node.database.write_bytes(old)
    node.version = 3
    grow(node, 100, 8)
    logged: list[str] = []
    following = follower(node, logged.append)
    last = following.catch_up()
    assert "begins with the base at set 3" in logged[0]
    restore(node.settings, tmp_path / "restored", last)
    assert digest_of(following.database).difference(digest_of(tmp_path / "restored")) is None


def begin_anew(node: MiniNode) -> None:
    """Removes the replica, and what the node knows of it."""
    (node.folder / "clnwire-replica.owner").unlink()
    if node.settings.scheme == "file":
        shutil.rmtree(node.replica)
        make_directory(node.replica)
        return
    import psycopg

    with psycopg.connect(node.settings.engine, autocommit=True) as connection:
        for table in ("heads", "sets", "bases", "leases"):
            connection.execute(f"DELETE FROM clnwire.{table} WHERE node = %s", [node.settings.node])


def test_what_is_removed_meanwhile(new_node, follower, monkeypatch: pytest.MonkeyPatch):
    node = new_node(**{"snapshot-interval": "1 MiB"})
    grow(node, 1, 3)
    logged: list[str] = []
    following = follower(node, logged.append)
    head = following._engine.head

    def then_prune():
        monkeypatch.undo()
        found = head()
        node.end()
        node.commit_alone(add(100))
        grow(node, 101, 2)
        engine = open_engine(node.settings)
        engine.prune(engine.bases()[-1])
        engine.close()
        return found

    monkeypatch.setattr(following._engine, "head", then_prune)
    ended, failed = Event(), []

    def follow() -> None:
        try:
            following.follow(ended)
        except ReplicaError as error:
            failed.append(error)

    thread = Thread(target=follow)
    thread.start()
    while not (logged or failed):
        thread.join(0.05)
    ended.set()
    thread.join()
    assert not failed
    assert "generation 2" in logged[0]


def test_a_new_generation_is_begun_with(new_node, follower, tmp_path: Path):
    node = new_node()
    grow(node, 1, 3)
    following = follower(node)
    following.catch_up()
    node.keeper.close()
    node.keeper = None
    for coin in (100, 101):
        # The replica does not see it.
        node.commit_alone(add(coin))
    grow(node, 200, 3)
    logged: list[str] = []
    following = follower(node, logged.append)
    last = following.catch_up()
    assert "generation 2" in logged[0]
    restore(node.settings, tmp_path / "restored", last)
    assert digest_of(following.database).difference(digest_of(tmp_path / "restored")) is None


def test_a_database_that_is_too_old_is_replaced(
    new_node, follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # So that whole files of the journal are pruned.
    monkeypatch.setitem(LocalEngine.__init__.__kwdefaults__, "segment_bytes", 1 << 12)
    node = new_node()
    other = Follower(node.settings, tmp_path / "other")
    grow(node, 1, 2)
    other.catch_up()
    other.close()
    following = follower(node)
    for first in (10, 30, 50):
        grow(node, first, 20)
        following.catch_up()
    logged: list[str] = []
    other = Follower(node.settings, tmp_path / "other", logged.append)
    assert other.catch_up() == node.version - 1
    other.close()
    assert "begins with the base" in logged[0]


@pytest.mark.parametrize("is_behind", [False, True])
def test_a_damaged_set_is_not_executed(
    server: Server, node: str, follower, tmp_path: Path, is_behind: bool
):
    """The first set after those that it has executed continues their chain."""
    following = MiniNode(tmp_path / "node", tmp_path / "copy", engine=server.url, node=node)
    following.commit(*SCHEMA)
    grow(following, 1, 4)
    other = follower(following)
    assert other.catch_up() == 4
    other.close()
    if is_behind:
        note = (tmp_path / "following" / "following.json").read_bytes()
    grow(following, 5, 1)
    if is_behind:
        assert other.catch_up() == 5
        other.close()
        # As a crash leaves it: its database is ahead of its note.
        (tmp_path / "following" / "following.json").write_bytes(note)
    grow(following, 6, 2)
    damaged = 6 if is_behind else 5
    server.sql(
        "UPDATE clnwire.sets SET foreign_keys = NOT foreign_keys "
        f"WHERE node = '{node}' AND sequence = {damaged}"
    )
    with pytest.raises(ReplicaError, match=f"set {damaged} of node .* is damaged"):
        follower(following).catch_up()
    following.end()


def test_a_killed_follower_goes_on(new_node, tmp_path: Path):
    node = new_node(**{"snapshot-interval": "1 MiB"})
    (tmp_path / "node" / "clnwire-replica.toml").write_text(
        "".join(
            f"{key} = {value!r}\n"
            for key, value in {
                "engine": node.settings.engine,
                "node": node.settings.node,
                "snapshot-interval": 1 << 20,
            }.items()
        )
    )
    program = (
        "import sys; from pathlib import Path; from threading import Event\n"
        "from clnwire.replica.following import Follower\n"
        "from clnwire.replica.settings import load\n"
        "Follower(load(Path(sys.argv[1])), Path(sys.argv[2]), print).follow(Event())\n"
    )
    arguments = [str(tmp_path / "node" / "clnwire-replica.toml"), str(tmp_path / "following")]
    for first in range(1, 60, 20):
        grow(node, first, 20)
        command = [sys.executable, "-u", "-c", program, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            if first == 1:
                assert process.stdout is not None
                assert b"begins with the base" in process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
    logged: list[str] = []
    following = Follower(node.settings, tmp_path / "following", logged.append)
    last = following.catch_up()
    following.close()
    assert last == node.version - 1
    restore(node.settings, tmp_path / "restored", last)
    assert digest_of(following.database).difference(digest_of(tmp_path / "restored")) is None


def test_it_waits_for_the_engine(own_server: Server, node: str, follower, tmp_path: Path):
    own_server.start()
    following = MiniNode(tmp_path / "node", tmp_path / "copy", engine=own_server.url, node=node)
    logged: list[str] = []
    other = follower(following, logged.append)
    with pytest.raises(UnavailableError, match=r"nothing of the node .* is stored yet"):
        other.catch_up()
    following.commit(*SCHEMA)
    grow(following, 1, 3)
    following.keeper.close()
    own_server.kill()
    ended = Event()
    thread = Thread(target=other.follow, args=[ended])
    thread.start()
    while not logged:
        ended.wait(0.05)
    assert "waiting for the engine" in logged[0]
    own_server.start()
    while len(logged) < 2:
        ended.wait(0.05)
    ended.set()
    thread.join()
    assert other.catch_up() == 3
