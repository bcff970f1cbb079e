"""examples/replica.py is killed, its log torn: what it has approved is there all the same."""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.examples.conftest import EXAMPLES, REPLICA, Node, add, dump

pytestmark = pytest.mark.process

ROUNDS = 100
WRAPPER = """
import sys
sys.path.insert(0, {examples!r})
import replica
replica.LOG_BYTES = {log_bytes}
replica.plugin.run()
"""


@pytest.fixture
def hasty(coins: Node) -> Node:
    """A node whose replica begins a new log as soon as the log is as large as the database."""
    coins.end()
    coins.plugin = coins.path.parent / "hasty.py"
    coins.plugin.write_text(WRAPPER.format(examples=str(EXAMPLES), log_bytes=1))
    return coins


def catch_up() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPLICA), "catch-up"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def approved(node: Node) -> bool:
    """What the plugin still had to say before it was killed: `continue`, or nothing."""
    try:
        return node.approves(node.daemon.reply())
    except EOFError:
        return False


def test_killed_a_hundred_times_while_writes_flow(hasty: Node) -> None:
    luck = random.Random(7)
    for round_ in range(ROUNDS):
        for step in range(luck.randrange(4)):
            hasty.commit(
                f"INSERT INTO coins (sat) VALUES ({round_ * 10 + step})",
                f"UPDATE coins SET sat = length('{'x' * luck.randrange(9_000)}') WHERE id = 1",
            )
        write = f"INSERT INTO coins (sat) VALUES ({-luck.randrange(1 << 40)})"
        request = {
            "jsonrpc": "2.0",
            "id": "cln:db_write#killed",
            "method": "db_write",
            "params": hasty.params((write,), hasty.next_version()),
        }
        hasty.daemon.write(json.dumps(request) + "\n\n")
        time.sleep(luck.random() * 0.004)
        hasty.daemon.signal(signal.SIGKILL)
        if approved(hasty):
            hasty.commit_alone(write)
        hasty.kill()
    hasty.commit("DELETE FROM coins WHERE id = 1")
    hasty.assert_same()


class TestTornLog:
    """The power goes away while the last record is being written: the database has not got it."""

    @pytest.fixture
    def log(self, coins: Node) -> tuple[int, bytes]:
        """Where the last record begins, and the whole log with it."""
        coins.commit(add(2))
        coins.end()
        begin, before = coins.log.stat().st_size, coins.replica.read_bytes()
        coins.commit(add(3))
        coins.end()
        coins.replica.write_bytes(before)
        return begin, coins.log.read_bytes()

    def test_whatever_is_missing_at_its_end(self, coins: Node, log: tuple[int, bytes]) -> None:
        begin, whole = log
        size = len(whole) - begin
        for kept in {0, 1, 8, 9, 10, size // 2, size - 2, size - 1}:
            coins.log.write_bytes(whole[: begin + kept])
            outcome = catch_up()
            assert "at version 2" in outcome.stdout, (kept, outcome)
            assert coins.log.read_bytes() == whole[:begin]
            assert "VALUES(3," not in "".join(dump(coins.replica))
        assert coins.approves(coins.ask(add(4), version=3))
        coins.end()
        assert "VALUES(4," in "".join(dump(coins.replica))

    @pytest.mark.parametrize("offset", [0, 8, 9, 20, -2])
    def test_whatever_is_wrong_in_its_last_record(
        self, coins: Node, log: tuple[int, bytes], offset: int
    ) -> None:
        begin, whole = log
        torn = bytearray(whole)
        torn[begin + offset if offset >= 0 else offset] ^= 1
        coins.log.write_bytes(torn)
        assert "at version 2" in catch_up().stdout
        assert coins.log.read_bytes() == whole[:begin]

    def test_space_that_was_never_written(self, coins: Node, log: tuple[int, bytes]) -> None:
        _, whole = log
        coins.log.write_bytes(whole + bytes(4096))
        assert "at version 3" in catch_up().stdout
        assert coins.log.read_bytes() == whole
        coins.assert_same()

    def test_damage_before_its_end_is_no_kill(self, coins: Node, log: tuple[int, bytes]) -> None:
        begin, whole = log
        damaged = bytearray(whole)
        damaged[begin - 5] ^= 1
        coins.log.write_bytes(damaged)
        outcome = catch_up()
        assert outcome.returncode == 1
        assert "damaged after byte" in outcome.stderr
        assert "not at its end" in coins.refusal(add(4), version=4)
        assert coins.log.read_bytes() == damaged

    def test_a_set_that_was_approved_and_lost_is_a_gap(
        self, coins: Node, log: tuple[int, bytes]
    ) -> None:
        begin, whole = log
        coins.log.write_bytes(whole[: begin + 1])
        assert "writes were missed: version 4 after 2" in coins.refusal(add(4), version=4)


class TestDamage:
    """The last record was whole once: the database, which follows it, has it."""

    @pytest.fixture
    def record(self, coins: Node) -> int:
        """Where the last record begins."""
        coins.commit(add(2))
        coins.end()
        begin = coins.log.stat().st_size
        coins.commit(add(3))
        coins.end()
        return begin

    @pytest.mark.parametrize("offset", [0, 8, 9, 20, -2, -1])
    def test_a_flipped_bit_is_no_tear(self, coins: Node, record: int, offset: int) -> None:
        damaged = bytearray(coins.log.read_bytes())
        damaged[record + offset if offset >= 0 else offset] ^= 1
        coins.log.write_bytes(damaged)
        outcome = catch_up()
        assert outcome.returncode == 1
        assert f"damaged after byte {record}, and the database is ahead of that" in outcome.stderr
        assert "damaged after byte" in coins.refusal(add(4), version=4)
        coins.end()
        assert coins.log.read_bytes() == damaged
        assert "VALUES(3," in "".join(dump(coins.replica))

    def test_neither_is_a_part_that_is_missing(self, coins: Node, record: int) -> None:
        coins.log.write_bytes(coins.log.read_bytes()[: record + 5])
        assert "damaged after byte" in catch_up().stderr


def test_two_that_are_started_at_once(node: Node) -> None:
    """The first has made no log yet: the lock is there before anything else."""
    with node.replica.with_name("replica.sqlite3.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        reason = node.refusal("CREATE TABLE coins (id)", version=1)
        assert "another process uses this replica" in reason
        assert not node.replica.exists()
    node.commit("CREATE TABLE coins (id)")
    node.assert_same()


class TestDatabaseBehindOrAhead:
    """The log is the truth, whatever state the database was left in."""

    def test_a_database_that_lags_is_caught_up(self, coins: Node) -> None:
        coins.end()
        old = coins.replica.read_bytes()
        for coin in range(2, 6):
            coins.commit(add(coin))
        coins.end()
        coins.replica.write_bytes(old)
        coins.commit(add(6))
        coins.assert_same()

    def test_a_database_that_is_gone_is_made_from_the_base(self, coins: Node) -> None:
        coins.commit(add(2))
        coins.end()
        coins.replica.unlink()
        coins.commit(add(3))
        coins.assert_same()

    def test_killed_between_dropping_a_set_and_undoing_it(self, coins: Node) -> None:
        coins.end()
        size = coins.log.stat().st_size
        coins.lose(add(2))
        coins.end()
        with coins.log.open("r+b") as log:
            log.truncate(size)
        coins.commit(add(3))
        coins.assert_same()

    def test_killed_before_the_first_log_was_there(self, node: Node) -> None:
        node.replica.touch()
        node.base.touch()
        node.log.with_name(f"{node.log.name}.new").write_bytes(b"torn")
        node.commit("CREATE TABLE coins (id)")
        node.assert_same()

    def test_a_base_of_another_replica_is_refused(self, coins: Node) -> None:
        coins.end()
        coins.replica.unlink()
        shutil.copy(coins.path, coins.base)
        with coins.log.open("rb") as log:
            first = log.readline()
        coins.log.write_bytes(coins.log.read_bytes()[len(first) :])
        assert "does not start at its base" in coins.refusal(add(2), version=2)


class TestNewLog:
    def grow(self, node: Node) -> None:
        """Writes until a new log has begun."""
        size = -1
        while node.log.stat().st_size > size:
            size = node.log.stat().st_size
            node.commit(f"UPDATE coins SET sat = length('{'x' * 5_000}')")

    def test_begins_when_the_old_one_is_long(self, hasty: Node) -> None:
        for _ in range(3):
            self.grow(hasty)
        hasty.assert_same()

    def test_its_first_set_can_be_undone(self, hasty: Node) -> None:
        self.grow(hasty)
        # The node did not commit the set that began the log: so it comes once more, changed.
        version = hasty.version
        reply = hasty.ask("UPDATE coins SET sat = -1", version=version)
        assert hasty.approves(reply)
        reply = hasty.ask("UPDATE coins SET sat = 5000", version=version)
        assert hasty.approves(reply)
        hasty.assert_same()

    def test_killed_with_a_new_base_and_the_old_log(self, hasty: Node) -> None:
        hasty.end()
        old = hasty.log.read_bytes()
        shutil.copy(hasty.replica, hasty.base)
        hasty.commit(add(2))
        hasty.end()
        hasty.replica.unlink()
        assert hasty.log.read_bytes().startswith(old)
        hasty.commit(add(3))
        hasty.assert_same()
