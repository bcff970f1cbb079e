"""The engine for S3-compatible stores: what it writes, faults of store and network, fencing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, Thread

import msgspec
import pytest

pytest.importorskip("obstore", reason="needs the extra: replica")
pytest.importorskip("psycopg", reason="needs the extra: replica")

import obstore

from clnwire.journal import digest_of_file
from clnwire.replica.engines.s3 import S3Engine
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.opening import new_engine, open_engine
from clnwire.replica.records import Base, Head, Record
from clnwire.replica.settings import ReplicaSettings
from tests.replica.begun import a_base, eventually, first_head, next_record, no_progress
from tests.replica.certificates import make_certificate
from tests.replica.s3 import Store, StoreProxy, credentials


class World:
    """Engines of one node, on a store or a way to it."""

    def __init__(self, url: str, node: str, folder: Path) -> None:
        self.settings = ReplicaSettings(
            engine=url, node=node, credentials_file=credentials(folder), lease_seconds=0.4
        )
        self.folder = folder
        self._opened: list[S3Engine] = []
        self.engine = self.another()

    def another(self, *, answer_seconds: float = 2.0, **options: object) -> S3Engine:
        engine = S3Engine(
            self.settings,
            **{"writes": True, "answer_seconds": answer_seconds, **options},  # type: ignore[arg-type]
        )
        self._opened.append(engine)
        return engine

    def begin(self) -> World:
        file = a_base(self.folder, 8_000)
        self.head = first_head(self.settings.node, file)
        self.base = self.engine.begin(None, self.head, file, no_progress)
        return self

    def append(self, text: str = "a set") -> Record:
        record = next_record(self.head, text)
        self.head = self.engine.append(self.head, record)
        return record

    def lose(self, text: str = "unknown") -> tuple[Record, str]:
        """A set whose outcome is unknown."""
        record = next_record(self.head, text)
        with pytest.raises(UnavailableError) as caught:
            self.engine.append(self.head, record)
        return record, str(caught.value)

    def settles(self, record: Record) -> None:
        self.head = eventually(lambda: self.engine.settle(self.head, record))
        assert self.head.sequence == record.sequence

    def close(self) -> None:
        for each in self._opened:
            each.close()


@pytest.fixture
def world(store: Store, node: str, tmp_path: Path) -> Iterator[World]:
    world = World(store.url, node, tmp_path).begin()
    yield world
    world.close()


@pytest.fixture
def remote(store_proxy: StoreProxy, node: str, tmp_path: Path) -> Iterator[World]:
    """Its way to the store can fail."""
    world = World(store_proxy.url, node, tmp_path).begin()
    yield world
    world.close()


def taken_from(head: Head, owner: str = "f" * 32) -> Head:
    return msgspec.structs.replace(head, epoch=head.epoch + 1, owner=owner)


# What is stored


def test_what_an_entry_looks_like(world: World, store: Store, node: str):
    record = world.append("a set")
    assert store.keys(node) == [f"log/{1:020}", f"log/{2:020}"]
    objects = store.objects(node)
    begin, written = (bytes(obstore.get(objects, key).bytes()) for key in store.keys(node))
    assert written == (
        b'{"kind":"set","node":"%b","generation":1,"epoch":1,"owner":"%032x","sequence":101,'
        b'"chain":"%b","foreign_keys":true}\na set'
        % (node.encode(), 1, record.chain.hex().encode())
    )
    (manifest,) = store.keys(node, "manifests/")
    assert manifest.startswith(f"manifests/{1:010}-{100:020}-")
    token = manifest[-37:-5]
    assert f'"base":"{token}"'.encode() in begin
    assert store.keys(node, "bases/") == [f"bases/{token}/000000"]
    assert store.keys(node, "probe/") == []


def test_damage_is_found(world: World, store: Store, node: str, tmp_path: Path):
    for _ in range(3):
        world.append()
    objects, key = store.objects(node), store.keys(node)[2]
    entry = bytes(obstore.get(objects, key).bytes())
    obstore.put(objects, key, entry[:-1] + b"?")
    with pytest.raises(ReplicaError, match=r"set 102 .* does not continue the chain"):
        list(world.engine.records(1, 100))
    obstore.put(objects, key, b"?" + entry)
    with pytest.raises(ReplicaError, match=r"entry 3 of the log is damaged"):
        list(world.engine.records(1, 100))
    obstore.delete(objects, key)
    with pytest.raises(ReplicaError, match=r"entry 3 of the log is missing, though entry 4"):
        list(world.engine.records(1, 100))
    (part,) = store.keys(node, "bases/")
    obstore.put(objects, part, b"other")
    with pytest.raises(ReplicaError, match=r"the base at 100 .* is damaged"):
        world.engine.read_base(world.base, tmp_path / "back", no_progress)
    obstore.delete(objects, part)
    with pytest.raises(ReplicaError, match=r"part 0 of the base at 100 is missing"):
        world.engine.read_base(world.base, tmp_path / "back", no_progress)
    assert not (tmp_path / "back").exists()


def test_a_newer_format_is_refused(world: World, store: Store, node: str):
    objects, key = store.objects(node), store.keys(node)[0]
    entry = bytes(obstore.get(objects, key).bytes())
    obstore.put(objects, key, entry.replace(b"{", b'{"format":9,', 1))
    with pytest.raises(RefusedError, match=r"entry 1 of the log is of a newer clnwire"):
        world.another().head()


def test_a_base_that_was_never_completed_does_not_count(world: World, node: str, tmp_path: Path):
    world.append()
    other = world.another()
    file = a_base(tmp_path, 16_000)
    healed = msgspec.structs.replace(
        taken_from(world.head), generation=2, sequence=900, chain=digest_of_file(file)
    )

    def meanwhile(_done: int, _total: int) -> None:
        world.append("while the base is stored")

    with pytest.raises(FencedError, match=r"a copy of this instance"):
        other.begin(world.head, healed, file, meanwhile)
    assert other.bases() == [world.base]
    assert other.head() == world.head


# Fencing


def test_a_former_owner_is_fenced_after_pruning(world: World, store: Store, node: str):
    world.append()
    former, expected = world.engine, world.head
    for number in range(3):
        world.engine = world.another(young=timedelta(0))
        world.head, before = taken_from(world.head, f"{number:032x}"), world.head
        world.engine.take_over(before, world.head)
        records = [world.append("later") for _ in range(3)]
    file = a_base(world.folder, 16_000)
    base = Base(
        1, records[0].sequence, 1, records[0].chain, 16_000, digest_of_file(file), created=1.0
    )
    world.engine.add_base(base, file, no_progress)
    world.engine.prune(base)
    # The sets are gone, but the take-overs are not.
    indexes = [int(key[-20:]) for key in store.keys(node)]
    assert indexes == [1, 3, 7, 11, 12, 13, 14]
    with pytest.raises(FencedError, match=r"taken over \(generation 1, epoch 4, set 110\)"):
        former.append(expected, next_record(expected))


def test_a_copy_that_was_silent_is_fenced_after_pruning(
    world: World, store: Store, node: str, monkeypatch: pytest.MonkeyPatch
):
    world.append()
    copy, expected = world.another(), world.head
    assert copy.head() == expected
    records = [world.append("later") for _ in range(3)]
    file = a_base(world.folder, 16_000)
    base = Base(1, 103, 1, records[1].chain, 16_000, digest_of_file(file), created=1.0)
    world.engine.add_base(base, file, no_progress)
    world.engine.prune(base)
    assert len(store.keys(node)) == 5, "young sets are kept"
    world.another(young=timedelta(0)).prune(base)
    # The key that the copy would write next is free again.
    assert [int(key[-20:]) for key in store.keys(node)] == [1, 4, 5]
    copy._moment = (copy._moment[0] - 301, copy._moment[1])
    with pytest.raises(FencedError, match=r"a copy of this instance"):
        copy.append(expected, next_record(expected, "an old state"))
    assert [int(key[-20:]) for key in store.keys(node)] == [1, 4, 5]


def test_a_copy_of_the_running_instance_is_fenced(world: World):
    copy = world.another()
    copy.append(world.head, next_record(world.head, "the copy's"))
    with pytest.raises(FencedError, match=r"a copy of this instance"):
        world.append("the first one's")


def test_eight_writers_of_a_key(world: World, store: Store, node: str):
    copies = [world.another() for _ in range(8)]
    start, stored = Barrier(8), list[tuple[bytes, Head]]()

    def write(engine: S3Engine, text: str, head: Head) -> None:
        assert engine.head() == head
        record = next_record(head, text)
        start.wait()
        with contextlib.suppress(FencedError):
            stored.append((bytes(record.payload), engine.append(head, record)))

    for _ in range(5):
        stored.clear()
        threads = [
            Thread(target=write, args=(engine, f"copy {number}", world.head))
            for number, engine in enumerate(copies)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        ((payload, world.head),) = stored
        assert store.payloads(node)[-1] == payload


def test_an_instance_that_is_idle_ends_when_another_takes_over(
    store: Store, node: str, tmp_path: Path
):
    world, lost, reasons = World(store.url, node, tmp_path), Event(), list[str]()

    def on_lost(reason: str) -> None:
        reasons.append(reason)
        lost.set()

    world.engine = world.another(on_lost=on_lost)
    world.engine.open()
    world.begin()
    for _ in range(20):
        world.append()
    assert not lost.wait(0.3)
    other = world.another()
    other.take_over(world.head, taken_from(world.head))
    assert lost.wait(30)
    assert "another instance has taken over (generation 1, epoch 2, set 120)" in reasons[0]
    world.close()


# Faults


@pytest.mark.parametrize("mode", ["swallow", "hold"])
def test_the_acknowledgement_is_lost(
    remote: World, store_proxy: StoreProxy, store: Store, node: str, mode: str
):
    remote.engine = remote.another(answer_seconds=0.5)
    remote.append("first")
    store_proxy.mode = mode
    record, _ = remote.lose()
    if mode == "swallow":
        # It was stored, and nobody said so.
        assert store.payloads(node) == [b"first", b"unknown"]
    with pytest.raises(UnavailableError):
        remote.engine.settle(remote.head, record)
    store_proxy.mode = "pass"
    remote.settles(record)
    remote.append("next")
    assert store.payloads(node) == [b"first", b"unknown", b"next"]


def test_the_acknowledgement_of_a_take_over_is_lost(remote: World, store_proxy: StoreProxy):
    remote.append("first")
    taken = taken_from(remote.head)
    store_proxy.mode = "swallow"
    with pytest.raises(UnavailableError):
        remote.engine.take_over(remote.head, taken)
    store_proxy.mode = "pass"
    remote.engine.take_over(remote.head, taken)
    again = remote.another()
    again.take_over(remote.head, taken)
    remote.head = taken
    remote.append("as owner")


def test_a_take_over_while_the_outcome_is_unknown(
    remote: World, store_proxy: StoreProxy, store: Store, node: str
):
    store_proxy.mode = "swallow"
    record, _ = remote.lose()
    other = World(store.url, node, remote.folder)
    head = other.engine.head()
    assert head is not None
    other.engine.take_over(head, taken_from(head))
    store_proxy.mode = "pass"
    with pytest.raises(FencedError, match=r"taken over"):
        remote.engine.settle(remote.head, record)
    other.close()


def test_the_store_is_slow(store: Store, node: str, tmp_path: Path):
    own = Store()
    world = World(own.url, node, tmp_path).begin()
    world.engine = world.another(answer_seconds=0.5)
    with own.frozen():
        record, text = world.lose()
        assert "timed out" in text or "error sending request" in text
    world.settles(record)
    world.append("next")
    assert own.payloads(node) == [b"unknown", b"next"]
    own.remove()
    # Now it is down.
    _, text = world.lose()
    assert own.endpoint in text
    assert text.endswith("Connection refused")
    world.close()


def test_the_store_lost_data(world: World, store: Store, node: str, tmp_path: Path):
    world.append("kept")
    world.append("lost")
    world.append("lost, too")
    for key in store.keys(node)[2:]:
        obstore.delete(store.objects(node), key)
    record = next_record(world.head)
    with pytest.raises(RefusedError, match=r"lost sets .*has .*set 101, and had .*set 103"):
        world.engine.settle(world.head, record)
    assert store.payloads(node) == [b"kept"]
    # What a new start does then: a new base.
    world.engine = world.another()
    found = world.engine.head()
    assert found is not None
    file = a_base(tmp_path, 16_000)
    healed = msgspec.structs.replace(
        taken_from(found), generation=2, sequence=103, chain=digest_of_file(file)
    )
    world.engine.begin(found, healed, file, no_progress)
    world.head = healed
    world.append("goes on")
    for key in store.keys(node):
        obstore.delete(store.objects(node), key)
    with pytest.raises(RefusedError, match=r"lost sets .* it has nothing"):
        world.engine.settle(world.head, next_record(world.head))


# What is refused


def test_a_store_that_ignores_conditions(node: str, tmp_path: Path):
    store = Store("ignoring")
    world = World(store.url, node, tmp_path)
    with pytest.raises(RefusedError, match=r"ignores conditional writes"):
        world.engine.open()
    assert store.keys(node, "") == []
    store.remove()


def test_wrong_credentials(node: str, tmp_path: Path):
    store = Store("guarded")
    world = World(store.url, node, tmp_path)
    for engine in (world.engine, world.another(writes=False)):
        with pytest.raises(RefusedError, match=r"refuses access; .*InvalidAccessKeyId") as caught:
            engine.open()
        assert "secret/word" not in str(caught.value)
    store.remove()


def test_tls(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_certificate(tmp_path, is_authority=False)
    store = Store("honest", tmp_path)
    with pytest.raises(UnavailableError, match=r"UnknownIssuer"):
        World(store.url, node, tmp_path).engine.open()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.crt"))
    # Only now the store is heard.
    with pytest.raises(RefusedError, match=r"no such bucket"):
        World(store.url, node, tmp_path).engine.open()
    # Its certificate is for another name.
    with pytest.raises(UnavailableError, match=r"NotValidForName"):
        World(store.url.replace("127.0.0.1", "localhost"), node, tmp_path).engine.open()
    store.remove()


def test_a_bucket_that_is_not_there(store: Store, node: str, tmp_path: Path):
    world = World(store.url.replace("replicas/", "elsewhere/"), node, tmp_path)
    for engine in (world.engine, world.another(writes=False)):
        with pytest.raises(RefusedError, match=r"s3://elsewhere/nodes .*no such bucket"):
            engine.open()


def test_what_the_settings_open(store: Store, node: str, tmp_path: Path):
    world = World(store.url, node, tmp_path)
    engine = open_engine(world.settings, writes=True)
    assert engine.name == f"s3://replicas/nodes at 127.0.0.1:{store.port}"
    assert engine.head() is None
    engine.close()
    with pytest.raises(RefusedError, match=r"sync.* cannot be checked"):
        new_engine(msgspec.structs.replace(world.settings, durability="sync"), writes=True)
    assert store.keys(node, "") == []
