"""The engine `file:`: what it stores, what it refuses, and what a kill at any step leaves."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from clnwire.journal import Journal, chain_of, digest_of_file
from clnwire.replica.engines.local import LocalEngine, make_directory
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.records import Base, Head, Record
from tests.replica.nodes import a_full_disk, add, payload

OWNER = "a" * 32


def nothing(_done: int, _total: int) -> None:
    """No progress is shown."""


def engine_in(directory: Path, *, writes: bool = True, node: str = "alice") -> LocalEngine:
    return LocalEngine(directory, node, writes=writes, segment_bytes=1 << 16)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    make_directory(tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base").write_bytes(b"a database" * 1000)
    return tmp_path / "base"


@pytest.fixture
def engine(directory: Path) -> Iterator[LocalEngine]:
    engine = engine_in(directory)
    engine.open()
    yield engine
    engine.close()


def first_head(base: Path, generation: int = 1, epoch: int = 1) -> Head:
    return Head("alice", generation, epoch, OWNER, 7, digest_of_file(base))


def begun(engine: LocalEngine, base: Path) -> Head:
    head = first_head(base)
    engine.begin(None, head, base, nothing)
    return head


def record(head: Head, sequence: int, before: bytes | None = None, coin: int = 0) -> Record:
    text = payload(sequence, add(coin or sequence))
    chain = chain_of(head.chain if before is None else before, sequence, True, text)
    return Record(sequence, head.epoch, True, text, chain)


def appended(engine: LocalEngine, head: Head, count: int) -> Head:
    for _ in range(count):
        head = engine.append(head, record(head, head.sequence + 1))
    return head


def test_a_generation_and_its_sets(engine: LocalEngine, base: Path, tmp_path: Path) -> None:
    assert engine.head() is None
    assert engine.bases() == []
    head = begun(engine, base)
    (stored,) = engine.bases()
    assert (stored.generation, stored.sequence, stored.chain) == (1, 7, head.chain)
    engine.read_base(stored, tmp_path / "again", nothing)
    assert (tmp_path / "again").read_bytes() == base.read_bytes()
    last = appended(engine, head, 20)
    assert engine.head() == last
    reader = engine_in(engine.directory, writes=False)
    reader.open()
    assert reader.head() == last
    assert [each.sequence for each in reader.records(1, 7)] == list(range(8, 28))
    assert [each.sequence for each in reader.records(1, 9, 11)] == [10, 11]
    again = engine_in(engine.directory)
    engine.close()
    again.open()
    assert again.head() == last
    again.close()


@pytest.mark.parametrize("size", [10, 100, 1_000])
def test_a_disk_that_is_full_at_the_start(engine: LocalEngine, base: Path, size: int) -> None:
    """The patience lasts for it, whichever file has no room: a base, its note, or the journal."""
    base.write_bytes(b"small" * 10)
    with a_full_disk(size), pytest.raises(UnavailableError, match="make room on"):
        begun(engine, base)
    assert engine.head() is None
    appended(engine, begun(engine, base), 1)


def test_a_set_is_replaced(engine: LocalEngine, base: Path) -> None:
    head = begun(engine, base)
    one = engine.append(head, record(head, 8))
    two = engine.append(one, record(one, 8, before=head.chain, coin=99))
    assert [bytes(each.payload) for each in engine.records(1, 7)] == [payload(8, add(99))]
    assert (two.sequence, engine.head()) == (8, two)


def test_a_wrong_expectation_is_fenced(engine: LocalEngine, base: Path) -> None:
    head = begun(engine, base)
    other = msgspec.structs.replace(head, epoch=2, owner="b" * 32)
    engine.take_over(head, other)
    assert engine.head() == other
    for expected in (head, msgspec.structs.replace(other, chain=bytes(32))):
        with pytest.raises(FencedError):
            engine.append(expected, record(head, 8))
        with pytest.raises(FencedError):
            engine.take_over(expected, other)
    with pytest.raises(FencedError):
        engine.begin(None, first_head(base, 2), base, nothing)


def test_a_new_generation_keeps_the_old_one(engine: LocalEngine, base: Path) -> None:
    last = appended(engine, begun(engine, base), 3)
    head = first_head(base, 2, 2)
    engine.begin(last, head, base, nothing)
    assert engine.head() == head
    assert [each.generation for each in engine.bases()] == [1, 2]
    assert len(list(engine.records(1, 7))) == 3
    appended(engine, head, 1)


def test_bases_are_added_and_old_ones_pruned(engine: LocalEngine, base: Path) -> None:
    head = begun(engine, base)
    last = appended(engine, head, 600)
    (new,) = list(engine.records(1, 506, 507))
    digest = digest_of_file(base)
    later = Base(1, 507, 1, new.chain, base.stat().st_size, digest, 1.0)
    reader = engine_in(engine.directory, writes=False)
    reader.open()
    reader.add_base(later, base, nothing)
    assert reader.bases()[-1] == later
    assert reader.head() == last
    before = sum(1 for _ in engine.directory.glob("000001/*.segment"))
    reader.prune(later)
    assert reader.bases() == [later]
    assert sum(1 for _ in engine.directory.glob("000001/*.segment")) < before
    assert [each.sequence for each in reader.records(1, 507)] == list(range(508, 608))
    after = appended(engine, last, 10)
    engine.begin(after, first_head(base, 2, 2), base, nothing)
    reader.prune(reader.bases()[-1])
    assert sorted(path.name for path in engine.directory.glob("0*")) == ["000002"]
    assert {path.stat().st_mode & 0o077 for path in engine.directory.rglob("*")} == {0}


def test_two_add_a_base_at_the_same_time(engine: LocalEngine, base: Path, tmp_path: Path) -> None:
    """Sealed anew, the same database is another file; each base is whole or not there."""
    appended(engine, begun(engine, base), 3)
    (record,) = engine.records(1, 8, 9)
    other = tmp_path / "other"
    other.write_bytes(b"the same, sealed" * 1000)

    def add_base(file: Path, progress: Callable[[int, int], object]) -> None:
        digest = digest_of_file(file)
        added = Base(1, 9, 1, record.chain, file.stat().st_size, digest, 1.0)
        engine_in(engine.directory, writes=False).add_base(added, file, progress)

    second = threading.Thread(target=add_base, args=(other, nothing))

    def begin_the_other(_done: int, _total: int) -> None:
        second.start()
        # Without a lock it ends meanwhile.
        second.join(0.5)

    add_base(base, begin_the_other)
    second.join()
    added = engine.bases()[-1]
    assert added.sequence == 9
    engine.read_base(added, tmp_path / "read", nothing)
    assert not list(engine.directory.rglob("*.new"))


def test_a_run_that_is_just_ending_is_waited_for(engine: LocalEngine, base: Path) -> None:
    begun(engine, base)
    engine.close()
    ending = Journal.open(engine.directory / "000001", segment_bytes=1 << 16)
    with closing(ending), pytest.raises(UnavailableError, match=f"{os.getpid()}"):
        engine.open()
    engine.open()


def test_one_writer_at_a_time(engine: LocalEngine) -> None:
    with pytest.raises(UnavailableError, match=f"the process {os.getpid()} writes"):
        engine_in(engine.directory).open()


def test_a_reader_writes_nothing(engine: LocalEngine, base: Path) -> None:
    head = begun(engine, base)
    reader = engine_in(engine.directory, writes=False)
    reader.open()
    with pytest.raises(RefusedError, match="not open for writing"):
        reader.take_over(head, head)


def test_directories_that_cannot_be_used(directory: Path, base: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="is its disk mounted"):
        engine_in(tmp_path / "none").open()
    with pytest.raises(RefusedError, match="/base: is not a directory"):
        engine_in(base).open()
    engine = engine_in(directory)
    engine.open()
    begun(engine, base)
    engine.close()
    with pytest.raises(RefusedError, match="is the replica of the node 'alice'"):
        engine_in(directory, node="bob").open()
    directory.chmod(0o750)
    with pytest.raises(RefusedError, match="chmod 700"):
        engine_in(directory).open()
    directory.chmod(0o700)
    (directory / "head.json").write_bytes(b"{")
    with pytest.raises(ReplicaError, match="is damaged"):
        engine_in(directory).open()


def test_a_directory_in_memory(base: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("needs Linux's /proc")
    directory = memory / f"clnwire-{os.getpid()}"
    make_directory(directory)
    try:
        with pytest.raises(RefusedError, match="gone after a power failure"):
            engine_in(directory).open()
        engine = LocalEngine(directory, "alice", writes=True, survives="process-crash")
        engine.open()
        engine.close()
    finally:
        (directory / "lock").unlink()
        directory.rmdir()


def test_damage_is_named(engine: LocalEngine, base: Path, tmp_path: Path) -> None:
    appended(engine, begun(engine, base), 3)
    engine.close()
    (segment, *_) = sorted(engine.directory.glob("000001/*.segment"))
    content = segment.read_bytes()
    place = content.index(b"data_version")
    segment.write_bytes(content[:place] + b"D" + content[place + 1 :])
    with pytest.raises(ReplicaError, match=segment.name):
        engine_in(engine.directory).open()
    (stored,) = engine_in(engine.directory, writes=False).bases()
    file = engine.base_path(stored)
    file.write_bytes(b"A" + file.read_bytes()[1:])
    with pytest.raises(ReplicaError, match="its digest is another one"):
        engine.read_base(stored, tmp_path / "again", nothing)
    assert not (tmp_path / "again").exists()


def test_a_disk_without_room_for_a_base(engine: LocalEngine, base: Path, tmp_path: Path) -> None:
    begun(engine, base)
    (stored,) = engine.bases()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (stored.size // 2, limits[1]))
    try:
        with pytest.raises(UnavailableError, match=f"{tmp_path}: .*; make room on its disk"):
            engine.read_base(stored, tmp_path / "again", nothing)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fsync")
"""The calls that change a disk. A process can be killed before each of them."""


def killed_at(step: int, act: Callable[[], None]) -> bool:
    """Acts in a process of its own, which is killed before a step. False if it has no such step."""
    pid = os.fork()
    if pid == 0:
        left = step
        fsync = os.fsync

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        def counted(fd: int) -> None:
            sys.audit("fsync")
            fsync(fd)

        os.fsync = counted  # type: ignore[assignment]
        sys.addaudithook(count)
        act()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


class Attempt:
    """A change of a replica, which is begun again and again from the same state."""

    def __init__(self, directory: Path, base: Path, action: str) -> None:
        self.directory, self.base, self.action = directory, base, action
        self.old: Head | None = None
        engine = engine_in(directory)
        engine.open()
        if action != "first":
            self.old = appended(engine, begun(engine, base), 3)
            chain = list(engine.records(1, 7))[1].chain
            self.added = Base(1, 9, 1, chain, base.stat().st_size, digest_of_file(base), 1.0)
        if action == "prune":
            engine.add_base(self.added, base, nothing)
        elif action == "prune a generation":
            self.added = engine.begin(self.old, first_head(base, 2, 2), base, nothing)
            self.old = engine.head()
        engine.close()
        self.new = self.old
        if action in ("first", "begin"):
            self.new = first_head(base, 1 if self.old is None else 2, 2)
        elif action == "take over" and self.old is not None:
            self.new = msgspec.structs.replace(self.old, epoch=2, owner="b" * 32)

    def act(self) -> None:
        engine = engine_in(self.directory)
        engine.open()
        if self.action == "add base":
            engine.add_base(self.added, self.base, nothing)
        elif self.action.startswith("prune"):
            engine.prune(self.added)
        elif self.action == "take over":
            assert self.old is not None
            assert self.new is not None
            engine.take_over(self.old, self.new)
        else:
            assert self.new is not None
            engine.begin(self.old, self.new, self.base, nothing)

    def check(self) -> Head | None:
        """Returns the head; all that it stands for is there, and can be written to."""
        engine = engine_in(self.directory)
        engine.open()
        head = engine.head()
        assert head in (self.old, self.new)
        if head is not None:
            newest = engine.bases()[-1]
            last = appended(engine, head, 2)
            records = list(engine.records(head.generation, newest.sequence))
            assert [each.sequence for each in records] == list(
                range(newest.sequence + 1, last.sequence + 1)
            )
        # What is left over does not keep the next attempt from succeeding.
        again = first_head(self.base, (head.generation if head else 0) + 1, 9)
        engine.begin(engine.head(), again, self.base, nothing)
        for each in engine.bases():
            engine.read_base(each, self.directory / "read", nothing)
            (self.directory / "read").unlink()
        engine.close()
        return head


@pytest.mark.process
@pytest.mark.parametrize(
    "action", ["first", "begin", "take over", "add base", "prune", "prune a generation"]
)
def test_a_kill_at_each_step(directory: Path, base: Path, tmp_path: Path, action: str) -> None:
    """The head is the old one or the new one, and writing goes on from it."""
    attempt = Attempt(directory, base, action)
    directory.rename(tmp_path / "kept")
    step, is_killed = 0, True
    heads: set[Head | None] = set()
    while is_killed:
        step += 1
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(tmp_path / "kept", directory)
        is_killed = killed_at(step, attempt.act)
        heads.add(attempt.check())
    assert heads == {attempt.old, attempt.new}
    assert step > 4
