"""examples/replica.py follows the node's database by the four rules of `data_version`."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.examples.conftest import REPLICA, VERSIONS, Node, add, dump

LINKED = (
    "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
    "CREATE TABLE children (parent INTEGER REFERENCES parents (id) ON DELETE CASCADE)",
    "INSERT INTO parents VALUES (1), (2)",
    "INSERT INTO children VALUES (1), (2)",
)


def test_it_follows_versions_that_grow_by_one(coins: Node) -> None:
    for coin in range(2, 6):
        coins.commit(add(coin), f"UPDATE coins SET sat = sat + {coin} WHERE id = 1")
    coins.assert_same()


def test_it_goes_on_after_a_restart(coins: Node) -> None:
    for coin in range(2, 6):
        coins.end()
        coins.commit(add(coin))
    coins.assert_same()


def test_statements_may_say_that_they_are_a_transaction(coins: Node) -> None:
    assert coins.approves(coins.ask("BEGIN TRANSACTION;", add(2), "COMMIT;", version=2))
    coins.commit_alone(add(2))
    coins.assert_same()


class TestSameVersion:
    """The same number again: the last set was not committed, and this one replaces it."""

    def test_while_running(self, coins: Node) -> None:
        coins.lose(add(2))
        coins.commit(add(3))
        coins.assert_same()

    def test_after_a_restart(self, coins: Node) -> None:
        coins.lose(add(2))
        coins.end()
        coins.commit(add(3))
        coins.assert_same()

    def test_after_a_kill(self, coins: Node) -> None:
        coins.lose(add(2))
        coins.kill()
        coins.commit(add(2))
        coins.assert_same()

    def test_again_and_again(self, coins: Node) -> None:
        for attempt in range(3):
            coins.lose(add(2), add(100 + attempt))
        coins.commit(add(2))
        coins.lose(add(3))
        coins.commit(add(4))
        coins.assert_same()

    def test_of_the_first_set_of_all(self, node: Node) -> None:
        node.lose("CREATE TABLE nonsense (a)")
        node.commit("CREATE TABLE coins (id INTEGER PRIMARY KEY)")
        node.assert_same()

    def test_when_the_set_changed_the_schema(self, coins: Node) -> None:
        coins.lose("ALTER TABLE coins RENAME TO tokens", "CREATE INDEX sats ON tokens (sat)")
        coins.commit("CREATE TABLE tokens (id)", "DROP TABLE coins")
        coins.assert_same()

    def test_the_replacement_may_be_refused(self, coins: Node) -> None:
        coins.lose(add(2))
        assert "UNIQUE" in coins.refusal(add(1), version=2)
        coins.commit(add(3))
        coins.assert_same()

    def test_a_set_before_a_snapshot_cannot_be_replaced(self, coins: Node) -> None:
        coins.commit("CREATE TABLE vars (name TEXT, intval INTEGER)")
        coins.commit_alone("INSERT INTO vars VALUES ('data_version', 3)")
        start_from_snapshot(coins)
        reason = coins.refusal(add(2), version=3)
        assert "version 3 is already in the base" in reason


@pytest.mark.parametrize("version", [4, 5, 100, VERSIONS // 2])
def test_a_gap_is_refused_with_what_to_do(coins: Node, version: int) -> None:
    coins.commit(add(2))
    reason = coins.refusal(add(3), version=version)
    assert f"writes were missed: version {version} after 2" in reason
    assert f"copy the node's database to {coins.replica}" in reason
    coins.commit(add(4))
    coins.assert_same()


def test_a_new_replica_of_an_old_node_is_a_gap(node: Node) -> None:
    node.version = 4711
    assert "version 4712 after 0" in node.refusal("CREATE TABLE a (b)", version=4712)


@pytest.mark.parametrize("version", [1, 0])
def test_a_lower_version_is_refused(coins: Node, version: int) -> None:
    coins.commit(add(2))
    assert "went back in time" in coins.refusal(add(3), version=version)
    coins.commit(add(3))
    coins.assert_same()


def test_the_version_wraps(coins: Node) -> None:
    last = VERSIONS - 1
    coins.commit("CREATE TABLE vars (name TEXT, intval INTEGER)")
    coins.commit_alone(f"INSERT INTO vars VALUES ('data_version', {last})")
    start_from_snapshot(coins)
    coins.version = last
    coins.lose(add(2))
    assert "went back in time" in coins.refusal(add(3), version=last)
    coins.commit(add(3))
    assert coins.version == 0
    coins.commit(add(4))
    coins.assert_same()


def start_from_snapshot(node: Node) -> None:
    """What the replica tells one to do after a gap."""
    node.end()
    for path in node.replica.parent.glob("replica.sqlite3*"):
        path.unlink()
    shutil.copy(node.path, node.replica)


def test_it_starts_from_a_snapshot(coins: Node) -> None:
    coins.commit_alone("CREATE TABLE vars (name TEXT, intval INTEGER)")
    coins.commit_alone("INSERT INTO vars VALUES ('data_version', 3)")
    assert "writes were missed" in coins.refusal(add(2), version=4)
    start_from_snapshot(coins)
    coins.commit(add(2))
    coins.assert_same()


def test_a_snapshot_that_is_no_node_s_database_is_refused(coins: Node) -> None:
    start_from_snapshot(coins)
    assert "no such table: vars" in coins.refusal(add(2), version=2)


START = "PRAGMA foreign_keys = ON;"


class TestDaemonOf2019:
    """It numbers nothing, so that its database is looked at when it starts."""

    @pytest.fixture
    def old(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> Node:
        monkeypatch.setenv("CLNWIRE_NODE", str(node.path))
        node.dialect, node.version = "2019", None
        node.next_version = lambda: None  # type: ignore[method-assign]
        node.commit("CREATE TABLE coins (id INTEGER PRIMARY KEY, sat INTEGER)")
        return node

    def test_sets_are_applied_as_they_come(self, old: Node) -> None:
        old.commit(add(1))
        old.set("PRAGMA foreign_keys = ON", version=None)
        old.kill()
        old.commit(add(2))
        old.assert_same()

    def test_a_set_that_was_not_committed_is_dropped_at_the_next_start(self, old: Node) -> None:
        old.commit(add(1))
        old.lose(add(2))
        old.kill()
        old.set(START, version=None)
        old.commit(add(3))
        old.assert_same()
        assert not list(old.replica.parent.glob("*.node*"))

    def test_a_set_that_was_committed_stays(self, old: Node) -> None:
        old.commit(add(1))
        old.kill()
        old.set(START, version=None)
        old.commit(add(2))
        old.assert_same()

    def test_another_database_is_refused(self, old: Node) -> None:
        old.commit_alone(add(1))
        old.commit_alone(add(2))
        reason = old.refusal(START, version=None)
        assert "the node's database differs" in reason
        assert "copy the node's database to" in reason

    def test_without_the_nodes_database_it_is_refused(
        self, old: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLNWIRE_NODE", str(old.path.with_name("gone.sqlite3")))
        old.kill()
        assert "set CLNWIRE_NODE to it" in old.refusal(START, version=None)

    def test_a_node_that_is_born_has_no_database_yet(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLNWIRE_NODE", str(node.path.with_name("unborn.sqlite3")))
        node.dialect, node.version = "2019", None
        node.set(START, version=None)

    def test_a_daemon_of_2020_numbers_and_wants_todays_answer(self, node: Node) -> None:
        node.daemon.dialect = "2019"  # Its ids are numbers.
        reply = node.daemon.request("db_write", node.params(("CREATE TABLE a (b)",), 1))
        assert reply["result"] == {"result": "continue"}

    def test_a_newer_daemon_may_follow(self, old: Node) -> None:
        old.end()
        reply = old.daemon.request("db_write", old.params((add(1),), 77))
        assert reply["result"] == {"result": "continue"}
        old.commit_alone(add(1))
        assert "writes were missed" in old.refusal(add(2), version=79)
        old.assert_same()


class TestSettings:
    """A set of nothing but PRAGMAs is sent outside of any transaction, and counts for nothing."""

    def test_with_the_last_version_they_replace_nothing(self, coins: Node) -> None:
        coins.set("PRAGMA foreign_keys = OFF;", version=1)
        coins.commit(add(2))
        coins.set("PRAGMA foreign_keys = ON;", version=2)
        coins.commit(add(3))
        coins.assert_same()

    def test_of_a_node_that_has_committed_nothing(self, node: Node) -> None:
        node.set("PRAGMA foreign_keys = OFF;", version=0)
        node.commit(*LINKED)
        node.assert_same()

    def test_rows_are_deleted_in_cascades_from_the_start(self, node: Node) -> None:
        node.commit(*LINKED)
        node.commit("DELETE FROM parents WHERE id = 1")
        node.assert_same()
        assert not any("VALUES(1)" in line for line in dump(node.replica))

    def test_they_hold_until_they_are_changed(self, node: Node) -> None:
        node.commit(*LINKED)
        node.set("PRAGMA foreign_keys = OFF;", version=1)
        node.commit("DELETE FROM parents WHERE id = 1")
        node.set("PRAGMA foreign_keys = ON;", version=2)
        node.commit("DELETE FROM parents WHERE id = 2")
        node.assert_same()

    def test_they_hold_for_a_replacement_too(self, node: Node) -> None:
        node.commit(*LINKED)
        node.set("PRAGMA foreign_keys = OFF;", version=1)
        node.lose("DELETE FROM parents WHERE id = 2")
        node.commit("DELETE FROM parents WHERE id = 1")
        node.assert_same()

    def test_a_set_is_undone_and_redone_under_its_own(self, node: Node) -> None:
        node.commit(*LINKED)
        node.set("PRAGMA foreign_keys = OFF;", version=1)
        node.commit("DELETE FROM parents WHERE id = 1")
        node.set("PRAGMA foreign_keys = ON;", version=2)
        node.lose("DELETE FROM parents")
        node.commit("DELETE FROM parents WHERE id = 2")
        node.assert_same()

    def test_the_version_before_ours_means_that_a_set_was_lost(self, coins: Node) -> None:
        coins.lose(add(2))
        coins.kill()
        coins.set("PRAGMA foreign_keys = OFF;", version=1)
        coins.commit(add(3))
        coins.assert_same()

    @pytest.mark.parametrize(("version", "reason"), [(0, "back in time"), (3, "were missed")])
    def test_other_versions_are_refused(self, coins: Node, version: int, reason: str) -> None:
        coins.commit(add(2))
        assert reason in coins.refusal("PRAGMA foreign_keys = OFF;", version=version)

    def test_unknown_ones_are_refused(self, coins: Node) -> None:
        reason = coins.refusal("PRAGMA legacy_alter_table = ON", version=1)
        assert "does not support this setting: PRAGMA legacy_alter_table" in reason


class TestTrouble:
    """What cannot be followed is refused, and leaves nothing behind."""

    @pytest.mark.parametrize(
        ("writes", "reason"),
        [
            ((add(2), "INSERT INTO notes VALUES (1)"), "no such table"),
            ((add(2), add(1)), "UNIQUE constraint failed"),
            ((add(2), "nonsense"), "syntax error"),
            ((add(2), f"{add(3)}; {add(4)}"), "one statement at a time"),
            ((add(2), "ROLLBACK", add(3)), "cannot commit"),
            ((), "not in SQLite"),
        ],
    )
    def test_sql(self, coins: Node, writes: tuple[str, ...], reason: str) -> None:
        assert reason in coins.refusal(*writes, version=2)
        coins.commit(add(2))
        coins.assert_same()

    def test_a_constraint_that_is_checked_at_the_end(self, coins: Node) -> None:
        coins.commit(
            "CREATE TABLE owners (coin REFERENCES coins (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        assert "FOREIGN KEY" in coins.refusal("INSERT INTO owners VALUES (2)", version=3)
        coins.end()
        coins.commit("INSERT INTO owners VALUES (2)", add(2))
        coins.assert_same()

    def test_a_directory_that_is_not_there(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLNWIRE_REPLICA", str(node.path.parent / "none" / "replica.sqlite3"))
        assert "No such file" in node.refusal("CREATE TABLE a (b)", version=1)

    def test_a_second_keeper_is_refused(self, coins: Node) -> None:
        second = Node(coins.path.parent)
        try:
            assert "another process" in second.refusal(add(2), version=2)
        finally:
            second.close()
        coins.commit(add(2))
        coins.assert_same()

    @pytest.mark.skipif(sys.platform != "linux", reason="limits a running process: Linux only")
    @pytest.mark.parametrize("large_log", [False, True])
    @pytest.mark.parametrize("room", [0, 1, 100, 4096, 5000])
    def test_a_disk_that_is_full(self, coins: Node, room: int, large_log: bool) -> None:
        # A limit on the size of files fails as a full disk does: a part is written, then none.
        # It strikes the database first, unless the log is the largest file.
        import resource

        large = f"UPDATE coins SET sat = length('{'x' * 50_000}')"
        for _ in range(5 if large_log else 0):
            coins.commit(large)
        process = coins.daemon.process.pid
        before = resource.prlimit(process, resource.RLIMIT_FSIZE)
        limit = coins.log.stat().st_size + room
        resource.prlimit(process, resource.RLIMIT_FSIZE, (limit, before[1]))
        for _ in range(2):
            reason = coins.refusal(large, version=coins.next_version())
            assert "the replica cannot follow" in reason
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        coins.commit(add(3))
        coins.assert_same()


def test_a_node_on_postgresql_is_told(node: Node) -> None:
    node.daemon.getmanifest()
    assert "not in SQLite" in node.daemon.init(startup=True)["disable"]


def test_a_node_with_sets_is_not(coins: Node) -> None:
    coins.commit(add(2))
    assert "disable" not in coins.daemon.init(startup=True)
    coins.assert_same()


def test_started_later_it_cannot_know(node: Node) -> None:
    node.daemon.getmanifest()
    assert "disable" not in node.daemon.init(startup=False)


def test_a_node_that_only_asks_for_the_manifest_touches_no_file(node: Node) -> None:
    assert node.daemon.getmanifest()["hooks"]
    node.end()
    assert not list(node.replica.parent.glob("replica*"))


class TestByHand:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(REPLICA), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_help(self) -> None:
        outcome = self.run("--help")
        assert outcome.returncode == 0
        assert "db_write" in outcome.stdout

    def test_catch_up_completes_the_database(self, coins: Node) -> None:
        coins.commit(add(2))
        coins.kill()
        outcome = self.run("catch-up")
        assert (outcome.returncode, outcome.stderr) == (0, "")
        assert "is complete, at version 2" in outcome.stdout
        coins.assert_same()

    def test_catch_up_of_nothing(self, node: Node) -> None:
        outcome = self.run("catch-up")
        assert outcome.returncode == 1
        assert f"there is no replica at {node.replica}" in outcome.stderr
        assert not node.replica.exists()
