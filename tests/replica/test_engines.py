"""What every engine promises, on each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from clnwire.journal import digest_of_file
from clnwire.replica.engines import Engine
from clnwire.replica.engines.local import LocalEngine, make_directory
from clnwire.replica.errors import FencedError, ReplicaError, UnavailableError
from clnwire.replica.records import Base, Head, Record
from clnwire.replica.settings import ReplicaSettings

pytest.importorskip("psycopg", reason="needs the extra: replica")

from tests.replica.begun import a_base, first_head, next_record, no_progress
from tests.replica.nodes import a_full_disk

Open = Callable[..., Engine]


def _local(node: str, folder: Path) -> Open:
    make_directory(folder / "copy")

    def make(*, writes: bool = True) -> Engine:
        return LocalEngine(folder / "copy", node, writes=writes, segment_bytes=1 << 16)

    return make


def _postgresql(url: str, node: str) -> Open:
    from clnwire.replica.engines.postgresql import PostgresqlEngine

    def make(*, writes: bool = False) -> Engine:
        # A writer has a lease, for which others would wait.
        return PostgresqlEngine(ReplicaSettings(engine=url, node=node), writes=False)

    return make


def _s3(url: str, node: str, folder: Path) -> Open:
    from clnwire.replica.engines.s3 import S3Engine
    from tests.replica.s3 import credentials

    settings = ReplicaSettings(engine=url, node=node, credentials_file=credentials(folder))

    def make(*, writes: bool = True) -> Engine:
        return S3Engine(settings, writes=writes, part_bytes=1 << 20, young=timedelta(0))

    return make


@pytest.fixture(params=["file", "postgresql", "s3"])
def make(request: pytest.FixtureRequest, node: str, tmp_path: Path) -> Iterator[Open]:
    """Opens an engine of the kind, always of the same node."""
    if request.param == "file":
        factory = _local(node, tmp_path)
    elif request.param == "postgresql":
        factory = _postgresql(request.getfixturevalue("server").url, node)
    else:
        factory = _s3(request.getfixturevalue("store").url, node, tmp_path)
    opened: list[Engine] = []

    def make_and_open(*, writes: bool = True) -> Engine:
        engine = factory(writes=writes)
        opened.append(engine)
        engine.open()
        return engine

    yield make_and_open
    for each in opened:
        each.close()


class Written:
    """An engine that has a base, and what was written to it."""

    def __init__(self, engine: Engine, node: str, folder: Path) -> None:
        self.engine = engine
        file = a_base(folder, 8_000)
        self.head = first_head(node, file)
        self.base = engine.begin(None, self.head, file, no_progress)

    def append(self, count: int = 1) -> list[Record]:
        records = []
        for _ in range(count):
            records.append(next_record(self.head, f"set {self.head.sequence + 1}"))
            self.head = self.engine.append(self.head, records[-1])
        return records


@pytest.fixture
def written(make: Open, node: str, tmp_path: Path) -> Written:
    return Written(make(), node, tmp_path)


def other_owner(head: Head, owner: str = "f" * 32) -> Head:
    return msgspec.structs.replace(head, epoch=head.epoch + 1, owner=owner)


def new_generation(head: Head, base: Path) -> Head:
    return msgspec.structs.replace(
        other_owner(head),
        generation=head.generation + 1,
        sequence=900,
        chain=digest_of_file(base),
    )


def test_a_generation_and_its_sets(make: Open, node: str, tmp_path: Path):
    engine = make()
    assert engine.head() is None
    assert engine.bases() == []
    file = a_base(tmp_path)
    head, seen = first_head(node, file), list[tuple[int, int]]()
    base = engine.begin(None, head, file, lambda done, size: seen.append((done, size)))
    assert seen[-1] == (3_000_000, 3_000_000)
    assert engine.head() == head
    records = []
    for number in range(150):
        records.append(next_record(head, f"set {number}"))
        head = engine.append(head, records[-1])
    reader = make(writes=False)
    assert reader.head() == head == engine.head()
    assert head.sequence == 250
    assert list(reader.records(1, 100)) == records
    assert list(reader.records(1, 180, 182)) == records[80:82]
    assert list(reader.records(1, 249)) == records[-1:]
    assert list(reader.records(1, 250)) == []
    assert reader.bases() == [base]
    assert (base.generation, base.sequence, base.chain) == (1, 100, digest_of_file(file))
    reader.read_base(base, tmp_path / "back", no_progress)
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    assert (tmp_path / "back").stat().st_mode & 0o077 == 0
    engine.close()
    engine.close()
    assert make().head() == head


def test_a_set_is_replaced(written: Written):
    engine = written.engine
    written.append()
    before = written.head.chain
    written.append()
    replacing = next_record(written.head, "another", before)
    written.head = engine.append(written.head, replacing)
    assert written.head.sequence == 102
    assert engine.head() == written.head
    assert list(engine.records(1, 101)) == [replacing]
    assert list(engine.records(1, 101, 102)) == [replacing]
    assert [each.sequence for each in engine.records(1, 100, 101)] == [101]
    # Another instance may replace it as well.
    taken = other_owner(written.head)
    engine.take_over(written.head, taken)
    third = next_record(taken, "a third one", before)
    written.head = engine.append(taken, third)
    following = written.append(2)
    assert list(engine.records(1, 101)) == [third, *following]


def test_what_is_not_expected_is_fenced(written: Written, tmp_path: Path):
    engine = written.engine
    written.append()
    head = written.head
    taken = other_owner(head)
    engine.take_over(head, taken)
    assert engine.head() == taken
    with pytest.raises(FencedError):
        engine.append(head, next_record(head))
    with pytest.raises(FencedError):
        engine.settle(head, next_record(head))
    with pytest.raises(FencedError):
        engine.take_over(head, other_owner(head, "e" * 32))
    file = a_base(tmp_path, 16_000)
    with pytest.raises(FencedError):
        engine.begin(head, new_generation(head, file), file, no_progress)
    with pytest.raises(FencedError):
        engine.begin(None, new_generation(head, file), file, no_progress)
    assert engine.head() == taken
    written.head = taken
    written.append()
    assert [each.epoch for each in engine.records(1, 100)] == [1, 2]


def test_a_new_generation_keeps_the_old_one(written: Written, tmp_path: Path):
    engine = written.engine
    old = written.append(3)
    file = a_base(tmp_path, 16_000)
    head = new_generation(written.head, file)
    base = engine.begin(written.head, head, file, no_progress)
    assert engine.head() == head
    assert engine.bases() == [written.base, base]
    written.head = head
    new = written.append(2)
    assert list(engine.records(1, 100)) == old
    assert list(engine.records(2, 900)) == new
    engine.prune(base)
    assert engine.bases() == [base]
    assert list(engine.records(2, 900)) == new
    written.append()


def test_beginning_is_repeated(written: Written, tmp_path: Path):
    """The answer was lost. The older generation has a base at the same sequence."""
    engine = written.engine
    file = a_base(tmp_path, 16_000)
    head = msgspec.structs.replace(new_generation(written.head, file), sequence=100)
    base = engine.begin(written.head, head, file, no_progress)
    if isinstance(engine, LocalEngine):
        # A write to a file fails or succeeds.
        with pytest.raises(FencedError):
            engine.begin(written.head, head, file, no_progress)
    else:
        assert engine.begin(written.head, head, file, no_progress) == base
    assert engine.bases() == [written.base, base]
    written.head = head
    written.append()


def test_a_full_disk_is_named(written: Written, tmp_path: Path):
    """The error of the system names no file."""
    named = rf"large: '{tmp_path}/back'|{tmp_path}: File too large; make room"
    with a_full_disk(1_000), pytest.raises((OSError, UnavailableError), match=named):
        written.engine.read_base(written.base, tmp_path / "back", no_progress)


def test_settling_stores_a_set_once(written: Written):
    record = next_record(written.head, "unknown")
    written.head = written.engine.settle(written.head, record)
    following = written.append()
    assert list(written.engine.records(1, 100)) == [record, *following]


def test_bases_are_added_and_older_ones_pruned(written: Written, make: Open, tmp_path: Path):
    records = written.append(10)
    fifth = records[4]
    file = a_base(tmp_path, 24_000)
    digest = digest_of_file(file)
    reader = make(writes=False)
    base = Base(1, 105, 1, fifth.chain, 24_000, digest, 1.0)
    reader.add_base(base, file, no_progress)
    assert [(each.sequence, each.chain) for each in reader.bases()] == [
        (100, written.base.chain),
        (105, fifth.chain),
    ]
    newest = reader.bases()[-1]
    reader.read_base(newest, tmp_path / "back", no_progress)
    assert digest_of_file(tmp_path / "back") == digest
    reader.prune(newest)
    assert reader.bases() == [newest]
    assert list(reader.records(1, 105)) == records[5:]
    assert reader.head() == written.head
    more = written.append()
    assert list(reader.records(1, 105)) == [*records[5:], *more]


def test_a_generation_that_is_not_there(written: Written, tmp_path: Path):
    with pytest.raises(ReplicaError):
        written.engine.read_base(
            msgspec.structs.replace(written.base, generation=7), tmp_path / "back", no_progress
        )


def test_one_of_eight_writers_wins(make: Open, node: str, tmp_path: Path):
    engine = make()
    if isinstance(engine, LocalEngine):
        with pytest.raises(UnavailableError, match=r"process \d+ writes"):
            make()
        return
    written = Written(engine, node, tmp_path)
    owners = [f"{number:032x}" for number in range(8)]
    engines, won, start = [make() for _ in owners], list[str](), threading.Barrier(8)

    def take_over(engine: Engine, owner: str, head: Head) -> None:
        engine.head()
        start.wait()
        try:
            engine.take_over(head, other_owner(head, owner))
            won.append(owner)
        except ReplicaError:
            pass

    for _ in range(5):
        won.clear()
        threads = [
            threading.Thread(target=take_over, args=(each, owner, written.head))
            for each, owner in zip(engines, owners, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        written.head = other_owner(written.head, won[0])
        assert engine.head() == written.head
        written.append()
