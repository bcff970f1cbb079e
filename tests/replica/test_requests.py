"""A command gets a copy of the node's database while the node waits."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from clnwire.replica.digest import digest_of
from clnwire.replica.errors import ReplicaError, UnavailableError
from clnwire.replica.requests import REQUEST, Answer, Request, ask
from clnwire.replica.snapshot import Raw
from tests.replica.nodes import add
from tests.replica.test_keeper import MiniNode, coins, node, restore

__all__ = ["coins", "node"]


def answered(node: MiniNode, target: Path) -> tuple[Answer, Raw]:
    """Asks, has the node commit a set, and gives what came."""
    found: list[tuple[Answer, Raw]] = []
    errors: list[ReplicaError] = []

    def run() -> None:
        try:
            found.append(ask(node.folder, Request("1", str(target)), 20, lambda: None))
        except ReplicaError as error:
            errors.append(error)

    asking = threading.Thread(target=run)
    asking.start()
    while not (node.folder / REQUEST).exists():
        assert asking.is_alive()
    node.commit(add(50))
    asking.join()
    for error in errors:
        raise error
    return found[0]


def test_the_copy_is_at_the_last_commit(coins: MiniNode, tmp_path: Path) -> None:
    coins.commit(add(2))
    answer, raw = answered(coins, tmp_path / "raw")
    assert (answer.generation, answer.sequence) == (1, 2)
    raw.open(2)
    restore(coins.settings, tmp_path / "restored", 2)
    assert digest_of(tmp_path / "raw") == digest_of(tmp_path / "restored")
    assert {path.name for path in coins.folder.iterdir()} == {
        "lightningd.sqlite3",
        "clnwire-replica.owner",
    }
    coins.assert_same()


def test_the_chain_is_that_of_the_last_commit(coins: MiniNode, tmp_path: Path) -> None:
    coins.commit(add(2))
    assert coins.keeper is not None
    expected = coins.keeper.head
    assert expected is not None
    coins.lose(add(3))
    answer, _ = answered(coins, tmp_path / "raw")
    assert (answer.sequence, answer.chain) == (2, expected.chain)


def test_a_node_that_writes_nothing(coins: MiniNode, tmp_path: Path) -> None:
    calls: list[int] = []
    with pytest.raises(UnavailableError, match="lightning-cli datastore"):
        ask(coins.folder, Request("1", str(tmp_path / "raw")), 0.2, lambda: calls.append(1))
    assert calls
    assert not (coins.folder / REQUEST).exists()


def test_a_copy_that_cannot_be_made(coins: MiniNode, tmp_path: Path) -> None:
    with pytest.raises(ReplicaError, match="cannot be copied"):
        answered(coins, tmp_path / "none" / "raw")
    coins.assert_same()


def test_a_request_that_is_damaged(coins: MiniNode) -> None:
    (coins.folder / REQUEST).write_bytes(b"{")
    coins.commit(add(2))
    coins.assert_same()


def test_an_old_answer_is_not_taken(coins: MiniNode, tmp_path: Path) -> None:
    old = msgspec.json.encode(Answer("1", 9, 9))
    (coins.folder / "clnwire-replica.answer").write_bytes(old)
    answer, _ = answered(coins, tmp_path / "raw")
    assert answer.sequence == 1
