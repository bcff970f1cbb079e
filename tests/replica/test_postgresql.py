"""The engine on a real server: what is stored, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from clnwire.replica.errors import FencedError, RefusedError, ReplicaError
from clnwire.replica.records import Record
from tests.replica.begun import (
    Begun,
    PostgresqlEngine,
    a_base,
    an_engine,
    digest_of_file,
    first_head,
    next_record,
    no_progress,
)
from tests.replica.postgres import Server


@pytest.fixture
def begun(server: Server, node: str, tmp_path: Path):
    begun = Begun(server.url, node, tmp_path)
    yield begun
    begun.engine.close()


def test_what_is_stored_comes_back(server: Server, node: str, tmp_path: Path):
    engine = an_engine(server.url, node)
    engine.open()
    assert engine.head() is None
    base = a_base(tmp_path)
    head = first_head(node, base)
    seen = []
    stored = engine.begin(None, head, base, lambda done, total: seen.append((done, total)))
    assert seen == [(1 << 20, 3_000_000), (2 << 20, 3_000_000), (3_000_000, 3_000_000)]
    records = []
    for number in range(450):
        records.append(next_record(head, f"set {number}"))
        head = engine.append(head, records[-1])
    assert engine.head() == head
    assert head.sequence == 550
    assert list(engine.records(1, 100)) == records
    assert list(engine.records(1, 300, 302)) == records[200:202]
    assert engine.bases() == [stored]
    engine.read_base(stored, tmp_path / "back", no_progress)
    assert (tmp_path / "back").read_bytes() == base.read_bytes()
    engine.close()
    engine.close()


def test_a_set_replaces_the_last_one(begun: Begun):
    before = begun.head.chain
    begun.append("not committed")
    begun.head = begun.engine.append(begun.head, other := next_record(begun.head, "b", before))
    assert begun.head.sequence == 101
    assert list(begun.engine.records(1, 100)) == [other]
    assert begun.engine.head() == begun.head


def test_another_owner_fences(begun: Begun, server: Server, node: str):
    begun.append()
    other = an_engine(server.url, node)
    taken = msgspec.structs.replace(begun.head, epoch=2, owner="f" * 32)
    other.take_over(begun.head, taken)
    with pytest.raises(FencedError, match=r"another instance of node .* epoch 2, set 101"):
        begun.append()
    with pytest.raises(FencedError):
        begun.engine.settle(begun.head, next_record(begun.head))
    with pytest.raises(FencedError):
        begun.engine.take_over(begun.head, msgspec.structs.replace(begun.head, epoch=2))
    assert other.head() == taken
    assert len(list(other.records(1, 100))) == 1
    other.close()


def test_a_copy_of_the_running_instance_is_fenced(begun: Begun, server: Server, node: str):
    # It has the same epoch and owner.
    copy = an_engine(server.url, node)
    copy.append(begun.head, next_record(begun.head, "the copy's"))
    with pytest.raises(FencedError, match=r"a copy of this instance"):
        begun.append("the first one's")
    copy.close()


def test_each_write_can_be_repeated(begun: Begun, node: str, tmp_path: Path):
    engine, head = begun.engine, begun.head
    assert engine.begin(None, head, a_base(tmp_path, 8_000), no_progress) == begun.base
    taken = msgspec.structs.replace(head, epoch=2, owner="f" * 32)
    engine.take_over(head, taken)
    engine.take_over(head, taken)
    record = next_record(taken)
    after = engine.append(taken, record)
    assert engine.append(taken, record) == engine.settle(taken, record) == after
    assert list(engine.records(1, 100)) == [record]


def test_a_new_generation_is_conditional(begun: Begun, tmp_path: Path):
    begun.append()
    base = a_base(tmp_path, 16_000)
    healed = msgspec.structs.replace(
        begun.head, generation=2, epoch=2, owner="e" * 32, sequence=900, chain=digest_of_file(base)
    )
    stale = msgspec.structs.replace(begun.head, sequence=100)
    with pytest.raises(FencedError):
        begun.engine.begin(stale, healed, base, no_progress)
    begun.engine.begin(begun.head, healed, base, no_progress)
    assert begun.engine.head() == healed
    assert [(each.generation, each.sequence) for each in begun.engine.bases()] == [
        (1, 100),
        (2, 900),
    ]
    assert len(list(begun.engine.records(1, 100))) == 1


def test_a_server_that_lost_sets_is_refused(begun: Begun, server: Server, node: str):
    for _ in range(3):
        begun.append()
    server.sql(
        f"UPDATE clnwire.heads SET sequence = 101, writes = 2, chain = (SELECT chain FROM "
        f"clnwire.sets WHERE node = '{node}' AND sequence = 101) WHERE node = '{node}'"
    )
    with pytest.raises(RefusedError, match=r"lost sets .*set 101, and had .*set 103; start"):
        begun.append()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE clnwire.sets SET payload = '\\x6162' WHERE sequence = 102", "set 102 .*chain"),
        ("UPDATE clnwire.sets SET foreign_keys = false WHERE sequence = 102", "set 102 .*chain"),
        ("DELETE FROM clnwire.sets WHERE sequence = 102", "after 101 until 102 are missing"),
    ],
)
def test_damage_is_found(begun: Begun, server: Server, node: str, change: str, expected: str):
    for _ in range(3):
        begun.append()
    server.sql(f"{change} AND node = '{node}'")
    with pytest.raises(ReplicaError, match=expected):
        list(begun.engine.records(1, 100))


def test_a_damaged_base_is_found(begun: Begun, server: Server, node: str, tmp_path: Path):
    server.sql(
        "UPDATE clnwire.chunks SET data = set_byte(data, 17, 1) FROM clnwire.bases "
        f"WHERE base = id AND node = '{node}'"
    )
    with pytest.raises(ReplicaError, match=r"the base at 100 .* is damaged"):
        begun.engine.read_base(begun.base, tmp_path / "back", no_progress)
    assert not (tmp_path / "back").exists()


def test_bases_are_added_and_the_older_pruned(begun: Begun, server: Server, tmp_path: Path):
    records = [begun.append(f"set {number}") for number in range(10)]
    file = a_base(tmp_path, 24_000)
    fifth = records[4]

    def base_at(record: Record):
        return msgspec.structs.replace(
            begun.base,
            sequence=record.sequence,
            chain=record.chain,
            size=24_000,
            file_digest=digest_of_file(file),
        )

    with pytest.raises(ReplicaError, match=r"the base at 110 does not belong to a committed set"):
        begun.engine.add_base(base_at(records[-1]), file, no_progress)
    wrong = msgspec.structs.replace(base_at(fifth), chain=b"x" * 32)
    with pytest.raises(ReplicaError, match=r"the base at 105"):
        begun.engine.add_base(wrong, file, no_progress)
    begun.engine.add_base(base_at(fifth), file, no_progress)
    newest = begun.engine.bases()[-1]
    assert newest.sequence == 105
    begun.engine.prune(newest)
    assert begun.engine.bases() == [newest]
    assert list(begun.engine.records(1, 105)) == records[5:]
    assert list(begun.engine.records(1, 104, 105)) == [fifth]
    begun.append("goes on")


def test_much_is_read_and_removed_in_parts(begun: Begun, tmp_path: Path, monkeypatch):
    module = sys.modules[PostgresqlEngine.__module__]
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", 1_500)
    monkeypatch.setattr(module, "_DELETED_AT_ONCE", {"sets": 2, "chunks": 1})
    monkeypatch.setattr(module, "CHUNK", 1_000)
    records = [begun.append("x" * 1_000) for _ in range(7)]
    records.append(begun.append("y" * 5_000))
    assert list(begun.engine.records(1, 100)) == records
    assert list(begun.engine.records(1, 103, 106)) == records[3:6]
    file = a_base(tmp_path, 24_000)
    for record in (records[2], records[5]):
        base = msgspec.structs.replace(
            begun.base, sequence=record.sequence, chain=record.chain, size=24_000
        )
        begun.engine.add_base(base, file, no_progress)
        begun.engine.add_base(base, file, no_progress)
    begun.engine.prune(begun.engine.bases()[-1])
    left = begun.engine._session.execute(
        "SELECT count(*) FROM clnwire.chunks JOIN clnwire.bases ON base = id WHERE node = %(n)s",
        {"n": begun.head.node},
    )
    assert left == [(24,)]
    assert list(begun.engine.records(1, 106)) == records[6:]


def test_nodes_share_a_server(begun: Begun, server: Server, node: str, tmp_path: Path):
    begun.append()
    (tmp_path / "other").mkdir()
    other = Begun(server.url, f"{node}-b", tmp_path / "other")
    other.append("the other's")
    assert [each.payload for each in begun.engine.records(1, 100)] == [b"a set"]
    assert [each.payload for each in other.engine.records(1, 100)] == [b"the other's"]
    other.engine.close()


def test_two_create_the_schema_at_once(own_server: Server):
    own_server.start()
    engines = [an_engine(own_server.url, f"n{number}") for number in range(4)]
    failed = []

    def opened(engine: PostgresqlEngine) -> None:
        try:
            engine.open()
        except ReplicaError as error:
            failed.append(error)

    threads = [Thread(target=opened, args=[each]) for each in engines]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed
    own_server.sql("UPDATE clnwire.format SET version = 99")
    with pytest.raises(RefusedError, match=r"has version 99, and this clnwire knows 1"):
        engines[0].open()
    own_server.sql("UPDATE clnwire.format SET version = 1; ALTER TABLE clnwire.sets SET UNLOGGED")
    with pytest.raises(RefusedError, match=r"unlogged table clnwire.sets"):
        engines[0].open()
    for engine in engines:
        engine.close()


def test_errors_do_not_quote_sets(own_server: Server, node: str, tmp_path: Path):
    begun = Begun(own_server.start().url, node, tmp_path)
    own_server.sql("ALTER TABLE clnwire.sets ADD CHECK (octet_length(payload) < 3)")
    with pytest.raises(RefusedError, match=r"check constraint .* \(SQLSTATE 23514\)") as caught:
        begun.append("a secret")
    assert b"a secret".hex() not in str(caught.value)
    begun.engine.close()


def test_two_add_a_base_at_the_same_time(server: Server, node: str, tmp_path: Path):
    begun = Begun(server.url, node, tmp_path)
    records = [begun.append(f"set {number}") for number in range(3)]
    file = tmp_path / "base"
    base = msgspec.structs.replace(begun.base, sequence=102, chain=records[1].chain)

    def add_another(_done: int, _total: int) -> None:
        other = an_engine(server.url, node)
        other.add_base(base, file, no_progress)
        other.close()

    begun.engine.add_base(base, file, add_another)
    assert [each.sequence for each in begun.engine.bases()] == [100, 102]
    begun.engine.read_base(base, tmp_path / "read", no_progress)
    begun.engine.close()


def test_the_least_privileges_of_the_docs(own_server: Server, node: str, tmp_path: Path):
    page = Path(__file__).resolve().parents[2] / "docs" / "replica-engines.md"
    if not page.exists():
        pytest.skip("needs a clone, whose files git lists")
    begun = Begun(own_server.start().url, f"{node}-admin", tmp_path)
    begun.engine.close()
    own_server.sql(page.read_text().split("```sql\n")[2].split("```")[0])
    url = own_server.url.replace("postgres@", "clnwire@")
    begun = Begun(url, node, tmp_path)
    records = [begun.append(f"set {number}") for number in range(3)]
    base = msgspec.structs.replace(begun.base, sequence=102, chain=records[1].chain)
    begun.engine.add_base(base, tmp_path / "base", no_progress)
    begun.engine.prune(begun.engine.bases()[-1])
    assert list(begun.engine.records(1, 102)) == records[2:]
    begun.engine.close()
    # The node's user may not make the tables less safe.
    with pytest.raises(RefusedError, match="must be owner"):
        begun.engine._session.execute("ALTER TABLE clnwire.sets SET UNLOGGED")
    begun.engine.close()
