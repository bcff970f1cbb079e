"""A node in miniature, in processes of its own that can be killed at any moment.

The node executes a set in a transaction of a real database, asks its plugin, and commits, as
lightningd does: without an answer it ends. The plugin is `clnwire-replica`, over real pipes.
"""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.replica.nodes import SCHEMA, numbered, payload

MANIFEST = b'{"jsonrpc":"2.0","id":"cln:getmanifest#1","method":"getmanifest","params":{}}\n\n'


def fork(act: Callable[[], None]) -> int:
    """Acts in a process of its own; returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BrokenPipeError:
            # As lightningd, the node ends with its plugin, and commits nothing.
            os._exit(3)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    return pid


class Victim:
    """A running node with its plugin."""

    def __init__(self, folder: Path, luck: Random) -> None:
        self.folder, self._seed = folder, luck.randrange(1 << 30)
        # The node holds the end that is written to, so that reading ends with it.
        self._told, self._tell = os.pipe()
        self._pids, tell_pids = os.pipe()
        self.node = fork(lambda: self._be_node(tell_pids))
        os.close(tell_pids)
        os.close(self._tell)
        self.plugin = int(os.read(self._pids, 16))
        os.close(self._pids)

    def wait_for_commit(self) -> None:
        """Waits until the node has committed a set, or has ended."""
        os.read(self._told, 1)

    def skip_commits(self) -> None:
        """Forgets the commits until now, for `wait_for_commit`."""
        while select.select([self._told], [], [], 0)[0] and os.read(self._told, 1 << 16):
            pass

    def kill(self, *pids: int) -> None:
        """Kills processes, and waits until both have ended."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(self.node, 0)
        os.close(self._told)
        deadline = time.monotonic() + 20
        while is_alive(self.plugin):
            assert time.monotonic() < deadline, "the plugin outlives the node"
            time.sleep(0.001)

    # In the node's process

    def _be_node(self, tell_pids: int) -> None:
        os.close(self._told)
        os.chdir(self.folder)
        to_plugin, from_plugin = self._start_plugin(tell_pids)
        luck = Random(self._seed)
        database = sqlite3.connect(self.folder / "lightningd.sqlite3", isolation_level=None)
        database.execute("PRAGMA foreign_keys = ON")
        # Small, so that the file contains what is not committed.
        database.execute("PRAGMA cache_size = 3")
        os.write(to_plugin, MANIFEST)
        read_message(from_plugin)
        version = version_of(database)
        while True:
            version += 1
            writes = numbered(version, SCHEMA if version == 1 else random_writes(luck))
            database.execute("BEGIN")
            for statement in writes:
                database.execute(statement)
            os.write(to_plugin, request(version, writes))
            answer = read_message(from_plugin)
            if b'"continue"' not in answer:
                raise AssertionError(answer)
            database.execute("COMMIT")
            os.write(self._tell, b"c")

    def _start_plugin(self, tell_pids: int) -> tuple[int, int]:
        their_input, to_plugin = os.pipe()
        from_plugin, their_output = os.pipe()

        def be_plugin() -> None:
            from clnwire.replica.plugin import main

            os.dup2(their_input, 0)
            os.dup2(their_output, 1)
            for each in (their_input, their_output, to_plugin, from_plugin, self._tell, tell_pids):
                os.close(each)
            main()

        # The plugin's parent ends at once, so that it is init that waits for the plugin.

        def be_between() -> None:
            os.write(tell_pids, b"%d" % fork(be_plugin))

        os.waitpid(fork(be_between), 0)
        for each in (their_input, their_output, tell_pids):
            os.close(each)
        return to_plugin, from_plugin


def is_alive(pid: int) -> bool:
    """Whether a process has not ended. Who has to wait for it may be slow to do so."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def request(version: int, writes: tuple[str, ...]) -> bytes:
    return b'{"jsonrpc":"2.0","id":"cln:db_write#%d","method":"db_write","params":%b}\n\n' % (
        version,
        payload(version, *writes),
    )


def read_message(fd: int) -> bytes:
    """The next reply; the plugin's log lines are skipped."""
    while True:
        message = b""
        while not message.endswith(b"\n\n"):
            more = os.read(fd, 1 << 16)
            if not more:
                raise BrokenPipeError
            message += more
        replies = [each for each in message.split(b"\n\n") if each and b'"method"' not in each]
        if replies:
            return replies[-1]


def random_writes(luck: Random) -> tuple[str, ...]:
    kind = luck.randrange(4)
    if kind == 0:
        return (f"INSERT INTO coins (sat) VALUES ({luck.randrange(1 << 40)})",)
    if kind == 1:
        return ("DELETE FROM coins WHERE id % 7 = 3",)
    size = luck.choice((10, 1000, 20_000))
    return (f"INSERT INTO notes VALUES ('{luck.random()}', x'{luck.randbytes(size).hex()}')",)


def version_of(database: sqlite3.Connection) -> int:
    """The version of the last commit."""
    if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
        return 0
    (version,) = database.execute("SELECT intval FROM vars").fetchone()
    return int(version)
