"""`clnwire replica`: what node runners type, and what they read when something is wrong."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.replica.engines.local import LocalEngine
from clnwire.replica.files import scratch
from clnwire.replica.metrics import Status, write
from clnwire.replica.opening import open_engine
from clnwire.replica.records import Base
from clnwire.replica.requests import REQUEST
from tests.replica.commands import Commands
from tests.replica.nodes import SCHEMA, add, commit, dump
from tests.replica.test_keeper import MiniNode


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "node", capsys)


@pytest.fixture
def coins(tmp_path: Path, commands: Commands) -> Iterator[MiniNode]:
    """A node whose replica was set up by `init`, with 20 coins."""
    node = MiniNode(tmp_path / "node", tmp_path / "copy")
    assert commands.on_node("init", f"file:{node.replica}", "--node", "alice").status == 0
    node.commit(*SCHEMA, add(1))
    for coin in range(2, 21):
        node.commit(add(coin))
    yield node
    node.end()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# init


def test_init_says_what_comes_next(commands: Commands, tmp_path: Path) -> None:
    commands.directory.mkdir()
    ran = commands.on_node("init", f"file:{tmp_path / 'copy'}")
    assert (ran.status, ran.err) == (0, "")
    assert "important-plugin=" in ran.out
    settings = commands.directory / "clnwire-replica.toml"
    assert settings.read_text() == f'engine = "file:{tmp_path / "copy"}"\nnode = "node"\n'
    assert (mode(settings), mode(tmp_path / "copy")) == (0o600, 0o700)
    again = commands.on_node("init", f"file:{tmp_path / 'copy'}")
    assert (again.status, again.out) == (2, "")
    assert "clnwire-replica.toml exists" in again.err


def test_init_makes_a_key_and_says_to_copy_it(commands: Commands, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="needs the extra: replica")
    commands.directory.mkdir()
    key = tmp_path / "key"
    words = ("init", f"file:{tmp_path / 'copy'}", "--encryption-key-file", key)
    missing = commands.on_node(*words)
    assert (missing.status, str(key) in missing.err) == (2, True)
    ran = commands.on_node(*words, "--new-key")
    assert ran.status == 0
    assert f"Copy {key} to another place" in ran.out
    assert mode(key) == 0o600


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("fiel:/x", "did you mean 'file'?"),
        ("file:relative", "the directory must begin with /"),
        ("/mnt/backup", "did you mean file:/mnt/backup?"),
        ("file:/nowhere/at/all", "is the disk of /nowhere/at mounted?"),
        ("postgresql://u:secret@h/d", "use credentials-file"),
    ],
)
def test_init_refuses(commands: Commands, engine: str, said: str) -> None:
    commands.directory.mkdir()
    ran = commands.on_node("init", engine)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "secret" not in ran.err
    assert not list(commands.directory.iterdir())


def test_init_without_the_networks_directory(commands: Commands, tmp_path: Path) -> None:
    ran = commands.on_node("init", f"file:{tmp_path / 'copy'}")
    assert ran.status == 2
    assert "start the node once without the plugin" in ran.err


def test_init_above_the_networks_directory(commands: Commands, tmp_path: Path) -> None:
    network = commands.directory / "bitcoin"
    network.mkdir(parents=True)
    (network / "lightningd.sqlite3").touch()
    ran = commands.on_node("init", f"file:{tmp_path / 'copy'}")
    assert (ran.status, f"`--directory {network}`" in ran.err) == (2, True)
    assert list(commands.directory.iterdir()) == [network]
    assert not (tmp_path / "copy").exists()


def test_init_demands_what_it_needs(commands: Commands, tmp_path: Path) -> None:
    commands.directory.mkdir()
    assert "name the ENGINE" in commands.on_node("init").err
    ran = commands.on_node("init", f"file:{tmp_path / 'copy'}", "--new-key")
    assert (ran.status, "--encryption-key-file" in ran.err) == (2, True)
    assert not list(commands.directory.iterdir())


def test_init_warns(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    """Of one disk for both, and of a name that has a replica."""
    coins.end()
    commands.directory = tmp_path / "other"
    commands.directory.mkdir()
    ran = commands.on_node("init", f"file:{coins.replica}", "--node", "alice")
    assert ran.status == 0
    assert "on the disk of the node's database" in ran.out
    assert "has a replica of 'alice'" in ran.out


# restore


def test_restore_gives_what_the_node_had(coins: MiniNode, commands: Commands) -> None:
    before = dump(coins.database)
    coins.end()
    coins.database.unlink()
    ran = commands.on_node("restore", "--json")
    assert ran.status == 0
    assert (ran.json["version"], ran.json["sets"]) == (20, 20)
    assert dump(coins.database) == before
    assert mode(coins.database) == 0o600
    # The node goes on with it, in the same generation.
    coins.commit(add(21))
    assert "generation 1" in coins.logged[-1]
    coins.assert_same()


def test_restore_on_another_machine(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    coins.end()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(coins.folder / "clnwire-replica.toml", other)
    commands.directory = other
    assert commands.on_node("restore").status == 0
    assert dump(other / "lightningd.sqlite3") == dump(coins.database)


def test_restore_replaces_nothing(coins: MiniNode, commands: Commands) -> None:
    ran = commands.on_node("restore")
    assert (ran.status, ran.out) == (2, "")
    assert "lightningd.sqlite3 exists, and nothing is replaced" in ran.err


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_restore_is_not_spoiled_by_a_leftover(
    coins: MiniNode, commands: Commands, tmp_path: Path, suffix: str
) -> None:
    leftover = tmp_path / f"new.sqlite3{suffix}"
    leftover.touch()
    ran = commands.on_node("restore", "--to", tmp_path / "new.sqlite3")
    assert (ran.status, str(leftover) in ran.err) == (2, True)


def test_restore_of_an_old_state_warns(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    target = tmp_path / "old.sqlite3"
    ran = commands.on_node("restore", "--at", "7", "--to", target)
    assert ran.status == 0
    assert "can lose its money: the newest version is 20" in ran.err
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("SELECT count(*) FROM coins").fetchone() == (7,)
    missing = commands.on_node("restore", "--at", "70", "--to", tmp_path / "none")
    assert (missing.status, "it has 0 to 20" in missing.err) == (2, True)


def test_an_old_state_does_not_become_the_nodes(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    coins.database.unlink()
    for words in ([], ["--to", coins.folder / "." / coins.database.name]):
        ran = commands.on_node("restore", "--at", "19", *words)
        assert (ran.status, "name another place by --to" in ran.err) == (2, True)
    assert not coins.database.exists()


def test_restored_with_a_set_that_was_replaced(
    coins: MiniNode, commands: Commands, tmp_path: Path
) -> None:
    coins.lose(add(21))
    other = MiniNode(tmp_path / "other", coins.replica)
    shutil.copy(coins.folder / "clnwire-replica.toml", other.folder)
    commands.directory = other.folder
    assert commands.on_node("restore").status == 0
    other.version = 21
    # The node was not gone, and has committed another set meanwhile.
    coins.commit(add(22))
    coins.end()
    assert "may have replaced the last set that was restored" in other.refusal(add(23))
    coins.commit(add(24))
    coins.assert_same()


def test_restore_from_a_damaged_replica(
    coins: MiniNode, commands: Commands, tmp_path: Path
) -> None:
    coins.end()
    segment = min(coins.replica.glob("*/*.segment"))
    content = bytearray(segment.read_bytes())
    place = content.index(b"INSERT INTO coins VALUES (7,")
    content[place + 3] ^= 1
    segment.write_bytes(content)
    ran = commands.on_node("restore", "--to", tmp_path / "new")
    assert (ran.status, ran.out) == (2, "")
    assert segment.name in ran.err
    assert "byte" in ran.err
    assert not list(tmp_path.glob("*new*"))


def test_restore_from_a_damaged_base(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    assert commands.on_node("compact").status == 0
    base = sorted(coins.replica.glob("*/base-*.sqlite3"))[-1]
    content = bytearray(base.read_bytes())
    content[-1] ^= 1
    base.write_bytes(content)
    ran = commands.on_node("restore", "--to", tmp_path / "new")
    assert (ran.status, str(base) in ran.err) == (2, True)
    assert not list(tmp_path.glob("*new*"))


def test_before_the_first_set(commands: Commands, tmp_path: Path) -> None:
    commands.directory.mkdir()
    commands.on_node("init", f"file:{tmp_path / 'copy'}")
    for command, *words in (["restore"], ["drill"], ["compact"], ["export", str(tmp_path / "out")]):
        ran = commands.on_node(command, *words)
        assert (ran.status, "nothing of the node 'node' is stored yet" in ran.err) == (2, True), ran
    assert not (tmp_path / "out").exists()


def test_without_settings(commands: Commands) -> None:
    commands.directory.mkdir()
    for command in ("restore", "verify", "status", "compact", "drill"):
        ran = commands.on_node(command)
        assert (ran.status, "clnwire replica init" in ran.err) == (2, True), ran


# verify


def test_verify_of_a_stopped_node(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    ran = commands.on_node("verify", "--json")
    assert ran.status == 0, ran
    assert (ran.json["is_same"], ran.json["version"]) == (True, 20)
    left = {path.name for path in coins.folder.iterdir()}
    assert not any("replica-" in name and name.startswith(".") for name in left)


def test_verify_names_what_differs(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    commit(coins.database, ("UPDATE coins SET sat = 1 WHERE id = 3",))
    ran = commands.on_node("verify")
    assert ran.status == 1
    assert "differs from the node's database in table coins" in ran.out
    coins.commit(add(21))
    coins.end()
    assert "it differed from the node's database" in commands.on_node("status").out


def test_verify_when_the_last_set_was_not_committed(coins: MiniNode, commands: Commands) -> None:
    coins.lose(add(30))
    ran = commands.on_node("verify", "--json")
    assert (ran.status, ran.json["version"]) == (0, 20)


def test_verify_of_a_database_that_is_ahead(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    coins.commit_alone(add(30))
    coins.commit_alone(add(31))
    ran = commands.on_node("verify")
    assert (ran.status, "is at version 22, and the replica at 20" in ran.err) == (2, True)


def test_verify_of_a_database_that_is_damaged(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    coins.database.write_text("no database" * 1000)
    ran = commands.on_node("verify")
    assert (ran.status, "lightningd.sqlite3: file is not a database" in ran.err) == (2, True)
    assert "bug" not in ran.err


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_verify_of_a_running_node(coins: MiniNode, commands: Commands) -> None:
    """While the node runs, the plugin makes the copy at its next set."""
    command = [sys.executable, "-c", HOLD, str(coins.folder / "lightningd-regtest.pid")]
    stop = threading.Event()

    def write_on_request() -> None:
        while not stop.is_set():
            if (coins.folder / REQUEST).exists():
                coins.commit(add(50))
                return
            time.sleep(0.01)

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"locked\n"
        writing = threading.Thread(target=write_on_request)
        writing.start()
        ran = commands.on_node("verify", "--json")
        stop.set()
        writing.join()
        silent = commands.on_node("verify", "--wait", "0.2")
        daemon.stdin.close()
    assert ran.status == 0, ran
    assert (ran.json["is_same"], ran.json["version"]) == (True, 20)
    assert (silent.status, "has written nothing for 0.2 s" in silent.err) == (2, True)


def test_restore_while_the_node_runs(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    """Its database was moved away, and it still writes to it."""
    coins.database.rename(tmp_path / "away")
    command = [sys.executable, "-c", HOLD, str(coins.folder / "lightningd-regtest.pid")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"locked\n"
        ran = commands.on_node("restore")
        aside = commands.on_node("restore", "--to", tmp_path / "aside")
        daemon.stdin.close()
    assert (ran.status, "stop it first" in ran.err, aside.status) == (2, True, 0)
    assert not coins.database.exists()


# compact, export, drill


def test_compact_leaves_out_the_last_set(coins: MiniNode, commands: Commands) -> None:
    ran = commands.on_node("compact", "--json")
    assert ran.status == 0, ran
    assert (ran.json["sets"], ran.json["base"]["sequence"]) == (19, 19)
    assert commands.on_node("compact", "--json").json["sets"] == 0
    # The node replaces its last set, which is in no base.
    coins.lose(add(30))
    coins.commit(add(31))
    coins.assert_same()


def test_compact_keeps_two_bases(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    kept: list[int] = []
    for coin in range(21, 25):
        coins.commit(add(coin))
        kept.append(commands.on_node("compact", "--json").json["bases"])
    assert kept == [2] * 4
    assert len(list(coins.replica.glob("*/base-*.sqlite3"))) == 2
    assert commands.on_node("restore", "--to", tmp_path / "new").status == 0
    assert dump(tmp_path / "new") == dump(coins.database)


def test_old_generations_stay_until_the_new_one_has_its_bases(
    coins: MiniNode, commands: Commands
) -> None:
    coins.end()
    coins.commit_alone(add(21))
    coins.commit(add(22))
    coins.commit(add(23))
    assert commands.on_node("restore", "--at", "3", "--to", coins.folder / "old").status == 0
    assert commands.on_node("compact").status == 0
    assert (coins.replica / "000001").exists() is False


def test_compact_of_a_damaged_replica_removes_nothing(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    segment = min(coins.replica.glob("*/*.segment"))
    content = bytearray(segment.read_bytes())
    content[content.index(b"INSERT INTO coins VALUES (7,")] ^= 1
    segment.write_bytes(content)
    before = {path.name for path in coins.replica.rglob("*")}
    assert commands.on_node("compact").status == 2
    assert {path.name for path in coins.replica.rglob("*")} == before


def test_export_is_enough_to_restore(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    commands.on_node("compact")
    for coin in range(40, 45):
        coins.commit(add(coin))
    ran = commands.on_node("export", tmp_path / "out", "--json")
    assert (ran.json["base_version"], ran.json["version"]) == (19, 25)
    with closing(sqlite3.connect(tmp_path / "out" / "base.sqlite3")) as database:
        for line in (tmp_path / "out" / "sets.jsonl").read_bytes().splitlines():
            for statement in msgspec.json.decode(line)["writes"]:
                database.execute(statement)
        database.commit()
    assert dump(tmp_path / "out" / "base.sqlite3") == dump(coins.database)
    assert mode(tmp_path / "out") == 0o700
    assert mode(tmp_path / "out" / "sets.jsonl") == 0o600
    again = commands.on_node("export", tmp_path / "out")
    assert (again.status, "exists; name a new directory" in again.err) == (2, True)


def test_everything_with_a_key(commands: Commands, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="needs the extra: replica")
    node = MiniNode(
        tmp_path / "node",
        tmp_path / "copy",
        **{"encryption-key-file": str(tmp_path / "key"), "compression": "zlib"},
    )
    words = ("--node", "alice", "--encryption-key-file", tmp_path / "key", "--new-key")
    assert commands.on_node("init", f"file:{node.replica}", *words).status == 0
    node.commit(*SCHEMA, *(add(coin) for coin in range(50)))
    node.commit(add(60))
    node.commit(add(61))
    assert commands.on_node("compact", "--json").json["sets"] == 2
    node.commit(add(62))
    node.end()
    assert commands.on_node("verify").status == 0
    assert commands.on_node("export", tmp_path / "out").status == 0
    assert commands.on_node("restore", "--to", tmp_path / "new").status == 0
    assert dump(tmp_path / "new") == dump(node.database)
    for path in node.replica.rglob("*"):
        assert path.is_dir() or b"INSERT INTO" not in path.read_bytes(), path
    (tmp_path / "key").unlink()
    lost = commands.on_node("restore", "--to", tmp_path / "newer")
    assert (lost.status, str(tmp_path / "key") in lost.err) == (2, True)


def test_drill_needs_no_node(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    coins.end()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(coins.folder / "clnwire-replica.toml", other)
    commands.directory = other
    ran = commands.on_node("drill", "--json", "--room", tmp_path)
    assert (ran.status, ran.json["version"], ran.json["sets"]) == (0, 20, 20)
    assert not list(tmp_path.glob(".clnwire-replica-*"))


def test_follow_once(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        assert commands.on_node("follow", tmp_path / "following", "--once").status == 0
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
            signal.signal(number, handler)
    with closing(sqlite3.connect(tmp_path / "following" / "following.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM coins").fetchone() == (19,)


def test_follow_until_it_is_ended(coins: MiniNode, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clnwire", "replica", "follow", str(tmp_path / "following")]
    command += ["--directory", str(coins.folder)]
    database = tmp_path / "following" / "following.sqlite3"
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not database.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 0


# status


def test_status_of_a_good_replica(coins: MiniNode, commands: Commands) -> None:
    assert coins.keeper is not None
    write(coins.keeper.status, coins.settings)
    ran = commands.on_node("status")
    assert (ran.status, ran.err) == (0, "")
    assert "The replica is as it should be." in ran.out
    assert "version 20, generation 1, epoch 1" in ran.out
    found = commands.on_node("status", "--json").json
    assert (found["problems"], found["plugin"]["sets"]) == ([], 20)


def test_status_says_what_is_wrong(coins: MiniNode, commands: Commands) -> None:
    coins.end()
    (found,) = commands.on_node("status", "--json").json["problems"]
    assert found == "the plugin has not run here yet"
    noted = Status(
        "alice", "file:", refused="the disk is full", degraded="no standby", warning="it gets full"
    )
    write(noted, coins.settings)
    ran = commands.on_node("status")
    assert ran.status == 1
    assert "the node was not allowed to commit: the disk is full" in ran.out
    assert "no standby" in ran.out
    assert "it gets full" in ran.out
    coins.replica.rename(coins.replica.with_name("gone"))
    problems = commands.on_node("status", "--json").json["problems"]
    assert sum("is its disk mounted?" in problem for problem in problems) == 1
    assert not any("is stored yet" in problem for problem in problems)


def test_status_of_a_node_that_runs_without_the_plugin(coins: MiniNode, commands: Commands) -> None:
    write(Status("alice", "file:"), coins.settings)
    noted = coins.settings.metrics.with_name("clnwire-replica.prom.json")
    status = msgspec.json.decode(noted.read_bytes(), type=Status)
    status.updated -= 3600
    noted.write_bytes(msgspec.json.encode(status))
    pid = os.open(coins.folder / "lightningd-regtest.pid", os.O_RDWR | os.O_CREAT)
    child = os.fork()
    if child == 0:
        fcntl.lockf(pid, fcntl.LOCK_EX)
        time.sleep(60)
    try:
        deadline = time.monotonic() + 20
        while "runs without the plugin" not in (ran := commands.on_node("status")).out:
            assert time.monotonic() < deadline, ran
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(pid)


# adopt


def test_a_fork_is_adopted_on_demand(coins: MiniNode, commands: Commands, tmp_path: Path) -> None:
    coins.end()
    moved = MiniNode(tmp_path / "moved", coins.replica)
    for path in (coins.database, coins.folder / "clnwire-replica.toml"):
        shutil.copy(path, moved.folder)
    moved.version = 20
    moved.commit_alone(add(21))
    assert "--adopt" in moved.refusal(add(22))
    commands.directory = moved.folder
    assert commands.on_node("init", "--adopt").status == 0
    moved.commit(add(22))
    moved.assert_same()


@pytest.mark.process
def test_what_a_killed_command_has_left_is_removed(tmp_path: Path) -> None:
    """Otherwise compactions that the node's stop kills would fill the replica's disk."""
    hold = (
        "import sys\nfrom pathlib import Path\n"
        "from clnwire.replica.files import scratch\n"
        "with scratch(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'base.sqlite3').write_bytes(bytes(1000))\n"
        "    print(folder, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    folders = []
    for _ in range(2):
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            folders.append(Path(process.stdout.readline().strip()))
            assert (folders[-1] / "base.sqlite3").exists()
            with scratch(tmp_path) as mine:
                # That process lives.
                assert set(tmp_path.iterdir()) == {folders[-1], mine}
            process.kill()
    with scratch(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []


def test_compact_beside_a_new_generation(
    coins: MiniNode, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = LocalEngine.bases

    def later(engine: LocalEngine) -> list[Base]:
        monkeypatch.undo()
        coins.end()
        coins.commit_alone(add(100))
        coins.commit(add(101))
        other = open_engine(coins.settings)
        other.prune(other.bases()[-1])
        return bases(engine)

    monkeypatch.setattr(LocalEngine, "bases", later)
    ran = commands.on_node("compact")
    assert (ran.status, ran.out) == (2, "")
    assert "has no base of generation 1" in ran.err
    assert "try again" in ran.err
    assert commands.on_node("compact").status == 0
    coins.assert_same()
