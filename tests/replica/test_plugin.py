"""`clnwire-replica` as a process: its start, its refusals, its files, its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clnwire.host import FatalAnswerError, Host
from clnwire.replica.engines.local import make_directory
from clnwire.replica.housekeeping import Compaction
from clnwire.replica.keeper import Keeper
from clnwire.replica.metrics import read_status
from clnwire.replica.opening import open_engine
from clnwire.replica.settings import ReplicaSettings, load
from tests.daemon import Daemon
from tests.replica.nodes import SCHEMA, add, commit, dump, numbered, payload
from tests.replica.test_keeper import restore

pytestmark = pytest.mark.process

PLUGIN = "from clnwire.replica.plugin import main\n\nmain()\n"


class ProcessNode:
    """A node whose plugin is a process in the node's directory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.replica = folder, folder.with_name("copy")
        folder.mkdir()
        make_directory(self.replica)
        self.script = folder / "plugin.py"
        self.script.write_text(f"#!{sys.executable}\n{PLUGIN}")
        self.script.chmod(0o755)
        self.version = 0
        self.daemon: Daemon | None = None

    def configure(self, **more: str) -> None:
        lines = [f'engine = "file:{self.replica}"', 'node = "alice"', "patience = 0.3"]
        lines += [f"{key.replace('_', '-')} = {value}" for key, value in more.items()]
        (self.folder / "clnwire-replica.toml").write_text("\n".join(lines))

    @property
    def settings(self) -> ReplicaSettings:
        return load(self.folder / "clnwire-replica.toml")

    @property
    def database(self) -> Path:
        return self.folder / "lightningd.sqlite3"

    def start(self) -> Daemon:
        self.daemon = Daemon(self.script)
        self.daemon.getmanifest()
        return self.daemon

    def ask(self, *writes: str) -> dict[str, Any]:
        """Asks for a set that is not committed; gives the reply."""
        daemon = self.daemon or self.start()
        params = {"data_version": self.version + 1, "writes": numbered(self.version + 1, writes)}
        return daemon.request("db_write", params)

    def commit(self, *writes: str) -> None:
        reply = self.ask(*writes)
        assert reply.get("result") == {"result": "continue"}, reply
        commit(self.database, numbered(self.version + 1, writes))
        self.version += 1

    def refusal(self, *writes: str) -> str:
        message: str = self.ask(*writes)["error"]["message"]
        return message

    def end(self) -> None:
        if self.daemon is not None:
            assert self.daemon.hang_up() == 0
            assert self.daemon.errors() == ""
            self.close()

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.close()
            self.daemon = None

    def assert_same(self) -> None:
        self.end()
        restored = self.folder / "restored"
        restore(self.settings, restored, self.version)
        assert dump(restored) == dump(self.database)
        restored.unlink()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ProcessNode]:
    node = ProcessNode(tmp_path / "node")
    yield node
    node.close()


def test_help_touches_nothing(node: ProcessNode) -> None:
    # `lightningd --help` asks for the manifest alone, perhaps beside a node that runs.
    node.configure()
    before = {path: path.stat().st_mtime_ns for path in node.folder.parent.rglob("*")}
    daemon = node.start()
    assert daemon.hang_up() == 0
    assert {path: path.stat().st_mtime_ns for path in node.folder.parent.rglob("*")} == before


def test_sets_come_before_init(node: ProcessNode) -> None:
    node.configure()
    node.commit(*SCHEMA, add(1))
    assert node.daemon is not None
    node.daemon.init()
    for coin in range(2, 6):
        node.commit(add(coin))
    node.daemon.notify("shutdown", {})
    node.assert_same()
    status = read_status(node.settings)
    assert status is not None
    assert (status.sequence, status.sets, status.refused) == (5, 5, "")


def test_all_files_are_the_owner_s_alone(node: ProcessNode) -> None:
    node.configure()
    old = os.umask(0o022)
    try:
        node.commit(*SCHEMA, add(1))
    finally:
        os.umask(old)
    node.end()
    made = [*node.replica.rglob("*"), *node.folder.glob("clnwire-replica.[!t]*")]
    assert len(made) > 6
    assert {path.stat().st_mode & 0o077 for path in made} == {0}


def test_without_settings_it_says_what_to_type(node: ProcessNode) -> None:
    refused = node.refusal(*SCHEMA)
    assert "clnwire replica init file:/mnt/backup/replica" in refused
    assert f"--directory {node.folder}" in refused


def test_wrong_settings_are_refused(node: ProcessNode) -> None:
    node.configure(paitence="3")
    assert "did you mean 'patience'" in node.refusal(*SCHEMA)


def test_a_node_on_postgresql_is_told(node: ProcessNode) -> None:
    node.configure()
    reply = node.start().init()
    assert "not in SQLite" in reply["disable"]
    node.close()
    # Started by hand, the plugin gets its first set later.
    assert "disable" not in node.start().init(startup=False)
    node.commit(*SCHEMA)
    node.assert_same()


def test_a_refusal_is_final(node: ProcessNode) -> None:
    node.configure()
    node.commit(*SCHEMA, add(1))
    commit(node.database, numbered(2, (add(2),)))
    node.version = 2
    refused = node.refusal(add(3))
    assert "the node has committed without the replica" in refused
    status = read_status(node.settings)
    assert status is not None
    assert status.refused in refused
    node.version = 1
    assert node.refusal(add(3)) == refused
    node.version = 2
    node.end()
    node.commit(add(3))
    node.assert_same()


def test_with_the_embedded_host(node: ProcessNode, monkeypatch: pytest.MonkeyPatch) -> None:
    node.configure()
    monkeypatch.chdir(node.folder)
    first = numbered(1, (*SCHEMA, add(1)))

    async def run() -> None:
        async with Host() as host:
            await host.start(node.script, important=True, migrations=[first])
            commit(node.database, first)
            for version in range(2, 30):
                writes = numbered(version, (add(version),))
                await host.db_write(writes)
                commit(node.database, writes)
            await host.call("stop")
            stopped = await host.wait_stopped()
            assert not stopped.failed, stopped

    environment = {"CLNWIRE_REPLICA_SETTINGS": str(node.folder / "clnwire-replica.toml")}
    monkeypatch.setenv(*next(iter(environment.items())))
    asyncio.run(run())
    node.version = 29
    node.assert_same()


@pytest.mark.parametrize("important", [True, False])
def test_it_warns_unless_it_is_important(
    node: ProcessNode, monkeypatch: pytest.MonkeyPatch, *, important: bool
) -> None:
    node.configure()
    monkeypatch.setenv("CLNWIRE_REPLICA_SETTINGS", str(node.folder / "clnwire-replica.toml"))
    first = numbered(1, (*SCHEMA, add(1)))

    async def run() -> str:
        async with Host() as host:
            await host.start(node.script, important=important, migrations=[first])
            commit(node.database, first)
            await host.wait_for_call("listconfigs")
            while not important and not noted():
                await asyncio.sleep(0.05)
            await host.call("stop")
            await host.wait_stopped()
        return noted()

    def noted() -> str:
        status = read_status(node.settings)
        return status.warning if status else ""

    assert ("important-plugin=" in asyncio.run(run())) is not important


def test_the_host_ends_at_a_refusal(node: ProcessNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLNWIRE_REPLICA_SETTINGS", str(node.folder / "clnwire-replica.toml"))

    async def run() -> None:
        async with Host() as host:
            with pytest.raises(FatalAnswerError, match="there is no"):
                await host.start(node.script, important=True)

    asyncio.run(run())


@pytest.fixture
def small_disk(node: ProcessNode) -> Iterator[Path]:
    """The replica is on a file system that one segment of the journal fills."""
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(node.replica)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs root to mount a file system")
    yield node.replica
    node.close()
    subprocess.run(["umount", "-l", node.replica], check=True)


def test_a_full_disk(node: ProcessNode, small_disk: Path) -> None:
    """The node ends, nothing is damaged, and with room it goes on."""
    node.configure(survives='"process-crash"')
    filler = small_disk / "filler"
    filler.write_bytes(bytes(20 << 20))
    assert "make room" in node.refusal(*SCHEMA)
    node.end()
    filler.unlink()
    # Nothing was stored before, so nothing is lost.
    node.configure(survives='"process-crash"', on_gap='"refuse"')
    node.commit(*SCHEMA, add(1))
    note = f"INSERT INTO notes VALUES (1, x'{'00' * 500_000}')"
    # There is room for one segment, and none for the next one.
    while "error" not in (reply := node.ask(note)):
        commit(node.database, numbered(node.version + 1, (note,)))
        node.version += 1
    assert node.version > 5
    assert "make room" in reply["error"]["message"]
    status = read_status(node.settings)
    assert status is not None
    assert "No space left" in status.refused
    node.end()
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    node.commit(add(2))
    node.assert_same()


def test_a_disk_that_gets_full_is_told_early(node: ProcessNode, small_disk: Path) -> None:
    node.configure(survives='"process-crash"')
    keeper = Keeper(node.settings, node.folder, lambda *_: None)
    assert keeper.warning() is None
    note = f"INSERT INTO notes VALUES (1, x'{'00' * 100_000}')"
    for version in range(1, 200):
        writes = numbered(version, SCHEMA if version == 1 else (note,))
        assert keeper.take(payload(version, *writes)) is None
        # A thread tries to make the next segment meanwhile.
        time.sleep(0.02)
        if (warning := keeper.warning()) is not None:
            break
    assert warning is not None
    assert "the present file of the journal is the last one" in warning
    # There is room yet.
    assert keeper.take(payload(version + 1, *numbered(version + 1, (note,)))) is None
    keeper.close()
    assert keeper.warning() is None


BROKEN_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) { return access(getenv("BROKEN"), F_OK) == 0; }

int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(fd);
}
"""


@pytest.fixture
def broken_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Syncing fails while this file exists."""
    if shutil.which("cc") is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler")
    source, library = tmp_path / "sync.c", tmp_path / "sync.so"
    source.write_text(textwrap.dedent(BROKEN_SYNC))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))
    return tmp_path / "broken"


def test_a_failed_sync_is_final(node: ProcessNode, broken_disk: Path) -> None:
    node.configure()
    node.commit(*SCHEMA, add(1))
    broken_disk.touch()
    refused = node.refusal(add(2))
    assert "check the disk" in refused
    # A second sync would succeed although the data are lost, so none is tried.
    broken_disk.unlink()
    assert node.refusal(add(2)) == refused
    node.end()
    node.commit(add(3))
    node.assert_same()


def test_a_failed_sync_at_the_start(node: ProcessNode, broken_disk: Path) -> None:
    node.configure()
    broken_disk.touch()
    assert "Input/output error" in node.refusal(*SCHEMA)
    node.end()
    broken_disk.unlink()
    node.commit(*SCHEMA)
    node.assert_same()


def test_the_database_is_open_elsewhere(node: ProcessNode) -> None:
    # The node has a lock on its database during the transaction; the snapshot needs none.
    node.configure()
    commit(node.database, numbered(1, (*SCHEMA, add(1))))
    node.version = 1
    with closing(sqlite3.connect(node.database, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN EXCLUSIVE")
        writes = numbered(2, (f"INSERT INTO notes VALUES (1, zeroblob({1 << 20}))", add(2)))
        for statement in writes:
            database.execute(statement)
        assert node.daemon is None
        reply = node.start().request("db_write", {"data_version": 2, "writes": list(writes)})
        assert reply["result"] == {"result": "continue"}
        database.execute("COMMIT")
    node.version = 2
    node.assert_same()


def test_a_new_base_is_made_beside_the_node(node: ProcessNode) -> None:
    node.configure(snapshot_interval='"1 KiB"', snapshot_retention="1")
    logged: list[str] = []
    keeper = Keeper(node.settings, node.folder, lambda _, text: logged.append(text))
    path = node.folder / "clnwire-replica.toml"
    compaction = Compaction(path, node.settings, keeper.status, lambda _, text: logged.append(text))

    def write(version: int) -> None:
        writes = numbered(version, SCHEMA if version == 1 else (add(version),))
        assert keeper.take(payload(version, *writes)) is None
        commit(node.database, writes)
        node.version = version

    for version in range(1, 31):
        write(version)
    compaction.look()
    assert compaction.process is not None
    # The node goes on while the base is made.
    version = 31
    while compaction.process.poll() is None:
        write(version)
        version += 1
    compaction.look()
    assert "a new base at version" in logged[-1], logged
    engine = open_engine(node.settings)
    (base,) = engine.bases()
    engine.close()
    assert base.sequence >= 29
    assert keeper.status.base_sequence == base.sequence
    write(version)
    keeper.close()
    node.assert_same()
