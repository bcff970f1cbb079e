"""`clnwire-replica` beside a real lightningd: what it restores is the node's database."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from clnwire.replica.digest import digest_of
from clnwire.replica.engines.local import make_directory
from clnwire.replica.metrics import read_status
from clnwire.replica.settings import ReplicaSettings, load
from tests.node.node import Node, until
from tests.replica.test_keeper import restore

pytestmark = pytest.mark.needs_node(
    "it has no database; tests/replica replicates that of `clnwire demo`"
)
PLUGIN = "from clnwire.replica.plugin import main\n\nmain()\n"


class ReplicatedNode:
    """A node in a folder, with its replica in another one."""

    def __init__(self, node: Node, replica: Path) -> None:
        self.node, self.replica = node, replica
        self.network = node.folder / "regtest"
        self.network.mkdir(exist_ok=True)
        if not replica.exists():
            make_directory(replica)
        text = f'engine = "file:{replica}"\nnode = "alice"\npatience = 2\n'
        (self.network / "clnwire-replica.toml").write_text(text)
        self.plugin = node.folder / "clnwire-replica"
        self.plugin.write_text(f"#!{sys.executable}\n{PLUGIN}")
        self.plugin.chmod(0o755)
        self.invoices = 0

    def start(self) -> None:
        self.node.start(important=(self.plugin,))

    def invoice(self) -> None:
        self.invoices += 1
        label = f"{self.invoices}-{time.time_ns()}"
        self.node.call("invoice", {"amount_msat": 1000, "label": label, "description": "d"})

    @property
    def settings(self) -> ReplicaSettings:
        return load(self.network / "clnwire-replica.toml")

    @property
    def database(self) -> Path:
        return self.network / "lightningd.sqlite3"

    def version(self) -> int:
        """Of the last commit; opening the database rolls back what a kill has interrupted."""
        with closing(sqlite3.connect(self.database)) as database:
            row = database.execute("SELECT intval FROM vars WHERE name = 'data_version'")
            return int(row.fetchone()[0])

    def assert_same(self, *, generation: int = 1) -> None:
        version = self.version()
        restored = self.node.folder / "restored"
        restored.unlink(missing_ok=True)
        assert restore(self.settings, restored, version) == version
        assert digest_of(restored).difference(digest_of(self.database)) is None
        status = read_status(self.settings)
        assert status is None or status.generation == generation


@pytest.fixture
def alice(node: Node, folder: Path) -> ReplicatedNode:
    return ReplicatedNode(node, folder / "copy")


def pid_of_plugin(alice: ReplicatedNode) -> int:
    command = ["pgrep", "-f", str(alice.plugin)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    parents = [
        int(pid) for pid in found if alice.node.process and int(pid) != alice.node.process.pid
    ]
    return parents[0]


def under_load(alice: ReplicatedNode) -> Callable[[], None]:
    """Has the node write until it ends; returns what waits for that."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                alice.invoice()
            except (OSError, AssertionError, ValueError):
                return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()

    def end() -> None:
        ended.set()
        for thread in threads:
            thread.join()

    return end


def test_from_its_creation_and_over_restarts(alice: ReplicatedNode) -> None:
    for _ in range(3):
        alice.start()
        for _ in range(5):
            alice.invoice()
        assert alice.node.stop() == 0
        alice.assert_same()
    assert "lacks" not in alice.node.log


@pytest.mark.promise("a real node is stopped while it writes")
def test_stopped_while_it_writes(alice: ReplicatedNode) -> None:
    alice.start()
    end = under_load(alice)
    time.sleep(0.5)
    assert alice.node.stop() == 0
    end()
    alice.assert_same()
    assert "FATAL SIGNAL" not in alice.node.log
    alice.start()
    alice.node.stop()
    alice.assert_same()


@pytest.mark.parametrize("are_all", [False, True], ids=["the node", "all, as systemd does"])
def test_terminated_while_it_writes(alice: ReplicatedNode, are_all: bool) -> None:
    alice.start()
    end = under_load(alice)
    time.sleep(0.3)
    assert alice.node.process is not None
    if are_all:
        os.kill(pid_of_plugin(alice), signal.SIGTERM)
    alice.node.process.send_signal(signal.SIGTERM)
    alice.node.process.wait(60)
    end()
    alice.assert_same()
    assert "FATAL SIGNAL" not in alice.node.log
    alice.start()
    assert alice.node.stop() == 0
    alice.assert_same()


@pytest.mark.promise(
    "a real node is killed while it writes",
    "the replica has what the node has committed",
)
def test_killed_while_it_writes(alice: ReplicatedNode) -> None:
    for round_ in range(4):
        alice.start()
        end = under_load(alice)
        time.sleep(0.3 + round_ * 0.07)
        if round_ % 2:
            alice.node.kill()
        else:
            os.kill(pid_of_plugin(alice), signal.SIGKILL)
            assert alice.node.process is not None
            alice.node.process.wait(60)
        end()
    alice.start()
    assert alice.node.stop() == 0
    status = read_status(alice.settings)
    assert status is not None
    alice.assert_same(generation=status.generation)


def test_the_node_ends_with_its_plugin(alice: ReplicatedNode) -> None:
    alice.start()
    os.kill(pid_of_plugin(alice), signal.SIGKILL)
    assert alice.node.process is not None
    assert alice.node.process.wait(60) != 0
    alice.start()
    reply = alice.node.answer("plugin", {"subcommand": "stop", "plugin": alice.plugin.name})
    assert "error" in reply
    assert alice.node.is_alive
    assert alice.node.stop() == 0


def refused(alice: ReplicatedNode) -> str:
    """Starts a node that has to end at once; gives its log."""
    with suppress(AssertionError):
        alice.start()
    assert not alice.node.is_alive
    return alice.node.log


def test_copies_of_its_directory(
    alice: ReplicatedNode, new_node: Callable[[str], Node], folder: Path
) -> None:
    alice.start()
    alice.invoice()
    assert alice.node.stop() == 0
    other = new_node("other")
    sockets = shutil.ignore_patterns("lightning-rpc")
    shutil.copytree(alice.network, other.folder / "regtest", ignore=sockets)
    copy = ReplicatedNode(other, alice.replica)
    alice.start()
    # Both at once, then one behind another, whose database is ahead meanwhile.
    assert "two nodes must not have one state" in refused(copy)
    for _ in range(5):
        alice.invoice()
    assert alice.node.stop() == 0
    assert "the node's database is old" in refused(copy)
    alice.start()
    assert alice.node.stop() == 0
    alice.assert_same()


def test_a_gap_is_healed(alice: ReplicatedNode) -> None:
    alice.start()
    alice.invoice()
    assert alice.node.stop() == 0
    alice.node.start()
    alice.invoice()
    assert alice.node.stop() == 0
    alice.start()
    alice.invoice()
    assert alice.node.stop() == 0
    until(lambda: "generation 2 begins with a snapshot" in alice.node.log)
    alice.assert_same(generation=2)


def test_without_settings_the_node_says_what_to_type(alice: ReplicatedNode) -> None:
    (alice.network / "clnwire-replica.toml").unlink()
    assert "clnwire replica init" in refused(alice)
