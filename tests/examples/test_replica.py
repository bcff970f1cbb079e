"""examples/replica.py has what the node commits, and refuses what no replica may follow."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.examples.conftest import REPLICA, Node, approves
from tests.replica.nodes import SCHEMA, add

ROUNDS = 30


@pytest.mark.process
def test_killed_while_writes_flow(coins: Node) -> None:
    luck = random.Random(7)
    for round_ in range(ROUNDS):
        for step in range(luck.randrange(4)):
            coins.commit(
                f"INSERT INTO notes VALUES ({round_ * 10 + step}, '{'x' * luck.randrange(9_000)}')"
            )
        coins.send(coins.begin(f"INSERT INTO notes VALUES ({-luck.randrange(1 << 40)}, '')"))
        time.sleep(luck.random() * 0.004)
        coins.daemon.signal(signal.SIGKILL)
        try:
            approved = approves(coins.daemon.reply())
        except EOFError:
            approved = False
        coins.end_transaction("COMMIT" if approved and luck.random() < 0.5 else "ROLLBACK")
        coins.kill()
    coins.commit("DELETE FROM coins WHERE id = 1")
    coins.assert_same()


def test_a_set_that_was_not_committed_is_replaced(coins: Node) -> None:
    for attempt in range(3):
        coins.lose(add(2), add(100 + attempt))
        coins.end()
    coins.commit(add(3))
    coins.assert_same()


def test_of_the_first_set_of_all_too(node: Node) -> None:
    node.lose(*SCHEMA, "CREATE TABLE nonsense (a)")
    node.kill()
    node.commit(*SCHEMA)
    node.assert_same()


def test_a_gap_is_healed_by_a_snapshot(coins: Node) -> None:
    coins.commit_unseen(add(2))
    reason = coins.refusal(add(3))
    assert "the node has committed without the replica: version 3 came instead of 1 or 2" in reason
    coins.end()
    coins.commit(add(4))
    coins.commit(add(5))
    coins.assert_same()
    assert any("generation 2 begins" in log["message"] for log in coins.daemon.logs)


def test_a_copy_takes_over_and_the_other_one_is_refused(coins: Node, tmp_path: Path) -> None:
    coins.commit(add(2))
    coins.end()
    with closing(coins.copied(tmp_path / "copy")) as copy:
        copy.commit(add(3))
        copy.commit(add(4))
        copy.end()
        assert "is old: it is at version 2, 2 sets behind" in coins.refusal(add(5))
        coins.end()
        copy.commit(add(6))
        copy.assert_same()


def test_a_copy_that_is_one_behind_is_refused(coins: Node, tmp_path: Path) -> None:
    with closing(coins.copied(tmp_path / "copy")) as copy:
        coins.commit(add(2))
        coins.end()
        assert "which another instance wrote" in copy.refusal(add(3))
        copy.end()
    coins.commit(add(4))
    coins.assert_same()


def test_a_copy_beside_the_running_node_is_refused(coins: Node, tmp_path: Path) -> None:
    with closing(coins.copied(tmp_path / "copy")) as copy:
        assert "another process keeps the replica in" in copy.refusal(add(2))
    coins.commit(add(2))
    coins.assert_same()


def test_settings_replace_nothing_and_hold_until_changed(coins: Node) -> None:
    coins.commit("CREATE TABLE children (coin REFERENCES coins (id) ON DELETE CASCADE)")
    coins.commit(add(2), "INSERT INTO children VALUES (1), (2)")
    coins.set("PRAGMA foreign_keys = OFF;")
    coins.commit("DELETE FROM coins WHERE id = 1")
    coins.set("PRAGMA foreign_keys = ON;")
    coins.commit("DELETE FROM coins WHERE id = 2")
    coins.assert_same()
    assert "'children' VALUES(1)" in "".join(coins.restored()).replace('"', "'")


def test_asking_for_the_manifest_or_help_touches_no_file(node: Node, tmp_path: Path) -> None:
    assert node.daemon.getmanifest()["hooks"]
    node.end()
    help_ = subprocess.run([sys.executable, REPLICA, "--help"], capture_output=True, check=False)
    assert (help_.returncode, b"db_write" in help_.stdout) == (0, True)
    assert not (tmp_path / "replica").exists()
