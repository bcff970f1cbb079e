"""A node's database and its replica: what the node commits, the replica must have."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import Daemon
from tests.replica.nodes import SCHEMA, add, dump, numbered

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REPLICA = EXAMPLES / "replica.py"


class Node:
    """Commits to a real database what its plugin, the replica, has approved before."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "lightningd.sqlite3"
        self.plugin = folder / "replica.py"
        if not self.plugin.exists():
            self.plugin.symlink_to(REPLICA)
        self._database = sqlite3.connect(self.path, isolation_level=None)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA synchronous = OFF")
        self._daemon: Daemon | None = None

    @property
    def daemon(self) -> Daemon:
        """The running plugin; started when it is needed."""
        if self._daemon is None:
            self._daemon = Daemon(self.plugin, is_forked=True)
            self._daemon.getmanifest()
        return self._daemon

    @property
    def version(self) -> int:
        """The version of the last commit."""
        if not self._database.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        row = self._database.execute("SELECT intval FROM vars WHERE name = 'data_version'")
        return int(row.fetchone()[0])

    def begin(self, *writes: str) -> dict[str, Any]:
        """Executes a set without committing it, and returns the params to ask with."""
        version = self.version + 1
        statements = numbered(version, writes)
        self._database.execute("BEGIN")
        for statement in statements:
            self._database.execute(statement)
        return {"data_version": version, "writes": statements}

    def commit(self, *writes: str) -> None:
        """Commits a set after the plugin has approved it."""
        assert approves(self.daemon.request("db_write", self.begin(*writes)))
        self.end_transaction("COMMIT")

    def lose(self, *writes: str) -> None:
        """Has a set approved, and ends before it is committed."""
        assert approves(self.daemon.request("db_write", self.begin(*writes)))
        self.end_transaction("ROLLBACK")

    def refusal(self, *writes: str) -> str:
        """Asks for a set that must be refused, and returns the reason."""
        reply = self.daemon.request("db_write", self.begin(*writes))
        self.end_transaction("ROLLBACK")
        return str(reply["error"]["message"])

    def commit_unseen(self, *writes: str) -> None:
        """Commits a set without asking."""
        self.begin(*writes)
        self.end_transaction("COMMIT")

    def end_transaction(self, statement: str) -> None:
        self._database.execute(statement)

    def set(self, pragma: str) -> None:
        """Changes a setting of the connection, which is no commit."""
        params = {"data_version": self.version, "writes": [pragma]}
        assert approves(self.daemon.request("db_write", params))
        self._database.execute(pragma)

    def send(self, params: dict[str, Any]) -> None:
        """Asks without waiting for the answer."""
        message = {"jsonrpc": "2.0", "id": "cln:db_write#1", "method": "db_write", "params": params}
        self.daemon.write(json.dumps(message) + "\n\n")

    def end(self) -> None:
        """Lets the plugin end by itself."""
        if self._daemon is not None:
            assert self._daemon.hang_up() == 0
            self._forget()

    def kill(self) -> None:
        """Ends the plugin as a power switch would."""
        if self._daemon is not None:
            self._forget()

    def _forget(self) -> None:
        assert self._daemon is not None
        self._daemon.close()
        self._daemon = None

    def copied(self, folder: Path) -> Node:
        """A node on a copy of the directory."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Node(folder)

    def restored(self) -> list[str]:
        """All that restoring makes, as SQL."""
        target = self.folder / "restored.sqlite3"
        command = [sys.executable, str(self.plugin), "restore", str(target)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        return dump(target)

    def assert_same(self) -> None:
        """Restoring makes the node's database."""
        assert self.restored() == dump(self.path)

    def close(self) -> None:
        self.kill()
        self._database.close()


def approves(reply: dict[str, Any]) -> bool:
    return reply.get("result") == {"result": "continue"}


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node whose plugin has not run yet."""
    folder = tmp_path / "node"
    folder.mkdir()
    monkeypatch.setenv("CLNWIRE_REPLICA", str(tmp_path / "replica"))
    with closing(Node(folder)) as node:
        yield node


@pytest.fixture
def coins(node: Node) -> Node:
    """A node with a row in a table, at version 1."""
    node.commit(*SCHEMA, add(1))
    return node
