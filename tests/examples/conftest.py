"""A node's database and its replica: what the node commits, the replica must have."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import Daemon

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REPLICA = EXAMPLES / "replica.py"
VERSIONS = 1 << 32


def dump(path: Path) -> list[str]:
    """All that a database holds, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


class Node:
    """Commits to a real database what its plugin, the replica, has approved before."""

    def __init__(self, folder: Path) -> None:
        self.path, self.replica = folder / "node.sqlite3", folder / "replica.sqlite3"
        self.log, self.base = folder / "replica.sqlite3.log", folder / "replica.sqlite3.base"
        self.plugin = REPLICA
        self.version: int | None = 0
        self.dialect = "current"
        self._database = sqlite3.connect(self.path, isolation_level=None)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA synchronous = OFF")
        self._daemon: Daemon | None = None

    @property
    def daemon(self) -> Daemon:
        """The running plugin; started when it is needed."""
        if self._daemon is None:
            self._daemon = Daemon(self.plugin, dialect=self.dialect, is_forked=True)
            self._daemon.getmanifest()
        return self._daemon

    def next_version(self) -> int | None:
        return None if self.version is None else (self.version + 1) % VERSIONS

    def params(self, writes: tuple[str, ...], version: int | None) -> dict[str, Any]:
        numbered = {} if version is None else {"data_version": version}
        return {**numbered, "writes": list(writes)}

    def ask(self, *writes: str, version: int | None) -> dict[str, Any]:
        """Sends a set that the node does not commit, whatever the reply, which it gives."""
        return self.daemon.request("db_write", self.params(writes, version))

    def lose(self, *writes: str) -> None:
        """Has a set approved, and ends before it is committed."""
        assert self.approves(self.ask(*writes, version=self.next_version()))

    def refusal(self, *writes: str, version: int | None) -> str:
        """Sends a set that must be refused, and gives the reason."""
        reply = self.ask(*writes, version=version)
        assert not self.approves(reply), reply
        message: str = reply["error"]["message"]
        return message

    def approves(self, reply: dict[str, Any]) -> bool:
        return reply.get("result") == (True if self.dialect == "2019" else {"result": "continue"})

    def commit(self, *writes: str) -> None:
        """Commits a set, after the plugin has approved it."""
        version = self.next_version()
        reply = self.ask(*writes, version=version)
        assert self.approves(reply), reply
        self.commit_alone(*writes)

    def commit_alone(self, *writes: str) -> None:
        """Commits a set without asking."""
        self._database.execute("BEGIN")
        for statement in writes:
            self._database.execute(statement)
        self._database.execute("COMMIT")
        self.version = self.next_version()

    def set(self, *pragmas: str, version: int | None) -> None:
        """Changes settings of the connection, which are not commits."""
        reply = self.ask(*pragmas, version=version)
        assert self.approves(reply), reply
        for pragma in pragmas:
            self._database.execute(pragma)

    def end(self) -> None:
        """Lets the plugin end in peace."""
        if self._daemon is not None:
            assert self._daemon.hang_up() == 0
            assert self._daemon.errors() == ""
            self._forget()

    def kill(self) -> None:
        """Ends the plugin as a power switch would."""
        if self._daemon is not None:
            self._forget()

    def _forget(self) -> None:
        assert self._daemon is not None
        self._daemon.close()
        self._daemon = None

    def assert_same(self) -> None:
        """After a peaceful end, the replica is one file, and holds what the node does."""
        self.end()
        assert dump(self.replica) == dump(self.path)
        assert not self.replica.with_name("replica.sqlite3-wal").exists()

    def close(self) -> None:
        self.kill()
        self._database.close()


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node without tables, whose plugin has not run yet."""
    node = Node(tmp_path)
    monkeypatch.setenv("CLNWIRE_REPLICA", str(node.replica))
    yield node
    node.close()


@pytest.fixture
def coins(node: Node) -> Node:
    """A node with a table, and one row in it, at version 1."""
    node.commit("CREATE TABLE coins (id INTEGER PRIMARY KEY, sat INTEGER)", add(1))
    return node


def add(coin: int) -> str:
    """The statement that adds a coin; a second time it fails."""
    return f"INSERT INTO coins VALUES ({coin}, {coin * 1000})"
