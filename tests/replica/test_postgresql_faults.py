"""Faults of the server, of its standby and of the network: bounded, and never twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from tests.replica.begun import (
    Begun,
    a_base,
    an_engine,
    digest_of_file,
    eventually,
    next_record,
    no_progress,
    payloads,
    until,
)
from tests.replica.postgres import (
    Elsewhere,
    Pair,
    Proxy,
    Server,
    can_make_networks,
    give_to_user,
    new_folder,
    psycopg,
)

ANSWER = 1.0


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Begun]]:
    made: list[Begun] = []

    def make(url: str, node: str, **options: object) -> Begun:
        made.append(Begun(url, node, tmp_path, **{"answer_seconds": ANSWER, **options}))
        return made[-1]

    yield make
    for each in made:
        each.engine.close()


def lose(begun: Begun, text: str = "unknown"):
    """A set whose outcome is unknown."""
    record = next_record(begun.head, text)
    with pytest.raises(UnavailableError) as caught:
        begun.engine.append(begun.head, record)
    return record, str(caught.value)


def assert_settles(begun: Begun, record, server: Server, stored: list[bytes]) -> None:
    begun.head = eventually(lambda: begun.engine.settle(begun.head, record))
    assert begun.head.sequence == record.sequence
    assert payloads(server, begun.head.node) == stored
    begun.append("next")
    assert payloads(server, begun.head.node) == [*stored, b"next"]


def test_the_server_crashes(own_server: Server, node: str, begin):
    begun = begin(own_server.start().url, node)
    begun.append("first")
    own_server.kill()
    record, _ = lose(begun)
    with pytest.raises(UnavailableError, match=r"refused"):
        begun.engine.settle(begun.head, record)
    own_server.start()
    assert_settles(begun, record, own_server, [b"first", b"unknown"])


def test_the_server_is_slow(own_server: Server, node: str, begin):
    begun = begin(own_server.start().url, node)
    with own_server.frozen():
        record, text = lose(begun)
        assert "no answer for 1 s" in text
    assert_settles(begun, record, own_server, [b"unknown"])


@pytest.mark.parametrize("mode", ["swallow", "unready", "hold"])
def test_the_acknowledgement_is_lost(server: Server, proxy: Proxy, node: str, begin, mode: str):
    begun = begin(proxy.url, node)
    begun.append("first")
    proxy.mode = mode
    record, _ = lose(begun)
    if mode != "hold":
        # It was stored, and nobody said so.
        assert payloads(server, node) == [b"first", b"unknown"]
    proxy.mode = "pass"
    assert_settles(begun, record, server, [b"first", b"unknown"])


def test_the_acknowledgement_of_a_take_over_is_lost(server: Server, proxy: Proxy, node: str, begin):
    begun = begin(proxy.url, node)
    taken = msgspec.structs.replace(begun.head, epoch=2, owner="d" * 32)
    begun.append("prepared")
    head, taken = begun.head, msgspec.structs.replace(begun.head, epoch=2, owner="d" * 32)
    proxy.mode = "swallow"
    with pytest.raises(UnavailableError):
        begun.engine.take_over(head, taken)
    proxy.mode = "pass"
    begun.engine.take_over(head, taken)
    begun.head = taken
    begun.append("as owner")


def test_what_a_lost_connection_still_does_is_fenced(server: Server, node: str, begin):
    begun = begin(server.url, node)
    begun.append("first")
    # The client gives up sooner than the server does.
    begun.engine._session._connection.answer_seconds = 0.3
    with locked(server, node) as administrator:
        record, _ = lose(begun, "late")
        assert waiting(server) == 1
        administrator.execute(
            f"UPDATE clnwire.heads SET epoch = 2, owner = '{'c' * 32}', writes = writes + 1 "
            f"WHERE node = '{node}'"
        )
    until(lambda: waiting(server) == 0)
    assert payloads(server, node) == [b"first"]
    with pytest.raises(FencedError, match=r"taken over"):
        begun.engine.settle(begun.head, record)


def test_what_a_lost_connection_still_does_is_never_newer(server: Server, node: str, begin):
    begun = begin(server.url, node)
    before = begun.head.chain
    begun.append("the same")
    begun.engine._session._connection.answer_seconds = 0.3
    with locked(server, node) as administrator:
        with pytest.raises(UnavailableError):
            begun.engine.append(begun.head, next_record(begun.head, "late", before))
        # Another write and one back: the head is as the late write expects.
        administrator.execute(f"UPDATE clnwire.heads SET writes = writes + 2 WHERE node = '{node}'")
    until(lambda: waiting(server) == 0)
    assert payloads(server, node) == [b"the same"]


def test_what_a_lost_connection_still_does_is_done_once(server: Server, node: str, begin):
    begun = begin(server.url, node)
    begun.append("first")
    begun.engine._session._connection.answer_seconds = 0.3
    with locked(server, node):
        record, _ = lose(begun, "late")
        settling = Thread(
            target=lambda: eventually(lambda: begun.engine.settle(begun.head, record))
        )
        settling.start()
        until(lambda: waiting(server) == 2)
    settling.join()
    until(lambda: waiting(server) == 0)
    assert_settles(begun, record, server, [b"first", b"late"])


def locked(server: Server, node: str):
    """A transaction that holds the head, so that writes wait."""
    administrator = psycopg.connect(server.url)
    administrator.execute(f"SELECT FROM clnwire.heads WHERE node = '{node}' FOR UPDATE")
    return administrator


def waiting(server: Server, event: str = "") -> int:
    kind = f"wait_event = '{event}'" if event else "wait_event_type = 'Lock'"
    rows = server.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'clnwire-replica' "
        f"AND {kind}"
    )
    return rows[0][0]


def test_the_network_is_cut(cluster: Path, node: str, begin):
    if not can_make_networks():
        pytest.skip("needs root to make network namespaces")
    elsewhere = Elsewhere()
    server = Server(cluster, prefix=elsewhere.prefix)
    server.host = elsewhere.host
    try:
        begun = begin(server.start().url, node)
        begun.append("first")
        elsewhere.cut()
        record, text = lose(begun)
        assert "no answer" in text
        with pytest.raises(UnavailableError):
            begun.engine.settle(begun.head, record)
        elsewhere.connect()
        # What was sent into the cut cable may still arrive, and is not stored twice.
        assert_settles(begun, record, server, [b"first", b"unknown"])
        begun.engine.close()
    finally:
        server.remove()
        elsewhere.remove()


def test_the_server_lost_data(own_server: Server, node: str, tmp_path: Path, begin):
    begun = begin(own_server.start().url, node)
    begun.append("kept")
    own_server.stop()
    shutil.copytree(own_server.data, own_server.folder / "older")
    own_server.start()
    eventually(begun.engine.head)
    begun.append("lost")
    begun.append("lost, too")
    own_server.stop()
    shutil.rmtree(own_server.data)
    (own_server.folder / "older").rename(own_server.data)
    give_to_user(own_server.folder)
    own_server.start()
    record, _ = next_record(begun.head), eventually(begun.engine.head)
    with pytest.raises(RefusedError, match=r"lost sets .*has .*set 101, and had .*set 103"):
        begun.engine.append(begun.head, record)
    # What a new start does then: a new base.
    found = begun.engine.head()
    base = a_base(tmp_path, 16_000)
    healed = msgspec.structs.replace(
        found, generation=2, epoch=2, owner="b" * 32, sequence=103, chain=digest_of_file(base)
    )
    begun.engine.begin(found, healed, base, no_progress)
    begun.head = healed
    begun.append("goes on")


def test_a_server_that_is_read_only(own_server: Server, node: str, begin):
    begun = begin(own_server.start().url, node)
    own_server.configure(default_transaction_read_only="on")
    own_server.reload()
    until(lambda: own_server.sql("SHOW default_transaction_read_only") == [("on",)])
    record, text = lose(begun)
    assert "read-only" in text
    own_server.configure(default_transaction_read_only="off")
    with psycopg.connect(own_server.url, autocommit=True) as administrator:
        administrator.execute("SET default_transaction_read_only = off")
        administrator.execute("SELECT pg_reload_conf()")
    assert_settles(begun, record, own_server, [b"unknown"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")
def test_the_disk_of_the_server_is_full(cluster: Path, node: str, begin):
    folder = new_folder()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "clnwire", folder], check=True
    )
    server = Server(cluster, folder=folder)
    try:
        begun = begin(server.start().url, node)
        begun.append("first")
        filler = folder / "filler"
        with filler.open("wb") as file, pytest.raises(OSError, match=r"No space"):
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        text, stored = "", [b"first"]
        # Some space was allocated before.
        while not text:
            record = next_record(begun.head, str(len(stored)) * 500_000)
            try:
                begun.head = begun.engine.append(begun.head, record)
                stored.append(bytes(record.payload))
            except UnavailableError as error:
                text = str(error)
        filler.unlink()
        if not server.processes():
            server.start()
        assert_settles(begun, record, server, [*stored, bytes(record.payload)])
    finally:
        server.kill()
        subprocess.run(["umount", folder], check=True)
        server.remove()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"fsync": "off"}, "fsync is off"),
        ({"full_page_writes": "off"}, "full_page_writes is off"),
    ],
)
def test_a_server_that_does_not_sync_is_refused(
    own_server: Server, node: str, begin, setting, expected
):
    begun = begin(own_server.start().url, node)
    begun.append("durable")
    own_server.configure(**setting)
    own_server.reload()
    with pytest.raises(RefusedError, match=expected):
        while True:
            begun.append("until the server has read its file")
    own_server.stop()
    own_server.start()
    with pytest.raises(RefusedError, match=expected):
        an_engine(own_server.url, node, writes=True).open()


def test_a_user_whose_settings_are_weak(server: Server, node: str, begin):
    server.sql("CREATE ROLE weak LOGIN SUPERUSER")
    for setting in ("synchronous_commit = off", "client_min_messages = error"):
        server.sql(f"ALTER ROLE weak SET {setting}")
    begun = begin(server.url.replace("postgres@", "weak@"), node)
    begun.append()
    execute = begun.engine._session.execute
    assert execute("SHOW synchronous_commit") == [("on",)]
    assert execute("SHOW client_min_messages") == [("warning",)]


def test_a_server_without_a_standby_is_not_used(server: Server, node: str):
    engine = an_engine(server.url, node, durability="sync", writes=True)
    with pytest.raises(UnavailableError, match=r"synchronous_standby_names is empty"):
        engine.open()
    engine.close()


@pytest.fixture
def pair(running_pair: Pair) -> Iterator[Pair]:
    yield running_pair
    running_pair.wait_for_standby()


def test_the_standby_is_lost(pair: Pair, node: str, begin):
    begun = begin(pair.primary.url, node, durability="sync")
    begun.append("on both")
    pair.standby.kill()
    record, text = lose(begun)
    assert "no answer" in text
    with pytest.raises(UnavailableError, match=r"none of synchronous_standby_names"):
        begun.engine.settle(begun.head, record)
    pair.standby.start()
    pair.wait_for_standby()
    assert_settles(begun, record, pair.primary, [b"on both", b"unknown"])
    assert payloads(pair.standby, node) == [b"on both", b"unknown", b"next"]


def test_the_standby_is_slow(pair: Pair, node: str, begin):
    begun = begin(pair.primary.url, node, durability="sync")
    with pair.standby.frozen():
        record, _ = lose(begun)
        # The old connection's COMMIT still waits, and a new write waits for it.
        with pytest.raises(UnavailableError):
            begun.engine.settle(begun.head, record)
    assert_settles(begun, record, pair.primary, [b"unknown"])


def test_the_standby_is_no_longer_demanded(pair: Pair, node: str, begin):
    begun = begin(pair.primary.url, node, durability="sync", answer_seconds=20.0)
    failed: list[ReplicaError] = []

    def append() -> None:
        try:
            begun.append("on the primary alone")
        except ReplicaError as error:
            failed.append(error)

    try:
        with pair.standby.frozen():
            writing = Thread(target=append)
            writing.start()
            until(lambda: waiting(pair.primary, "SyncRep") == 1)
            pair.primary.configure(synchronous_standby_names="")
            pair.primary.reload()
            # The server says that it succeeded.
            writing.join()
    finally:
        pair.primary.configure(synchronous_standby_names="ANY 1 (*)")
        pair.primary.reload()
    assert "was emptied during the write" in str(failed)


def test_a_commit_is_cancelled_and_the_standby_promoted(cluster: Path, node: str, begin):
    pair = Pair(cluster)
    try:
        pair.primary.sql("ALTER ROLE postgres SET client_min_messages = error")
        begun = begin(pair.primary.url, node, durability="sync", answer_seconds=20.0)
        begun.append("acknowledged")
        record = next_record(begun.head, "cancelled")
        failed: list[ReplicaError] = []

        def append() -> None:
            try:
                begun.engine.append(begun.head, record)
            except ReplicaError as error:
                failed.append(error)

        with pair.standby.frozen():
            writing = Thread(target=append)
            writing.start()
            until(lambda: waiting(pair.primary, "SyncRep") == 1)
            pair.primary.sql(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            )
            # The server says that it succeeded, and a read finds the set.
            writing.join()
            assert isinstance(failed[0], UnavailableError)
            assert "01000" in str(failed[0])
            assert payloads(pair.primary, node) == [b"acknowledged", b"cancelled"]
            impatient = an_engine(
                pair.primary.url, node, durability="sync", answer_seconds=ANSWER, writes=True
            )
            with pytest.raises(UnavailableError):
                impatient.settle(begun.head, record)
            impatient.close()
            pair.primary.kill()
        pair.promote()
        assert payloads(pair.standby, node) == [b"acknowledged"]
        # The URL that a node runner gives names both.
        hosts = f"127.0.0.1:{pair.primary.port},127.0.0.1:{pair.standby.port}"
        promoted = an_engine(f"postgresql://postgres@{hosts}/postgres", node, writes=True)
        promoted.open()
        assert promoted.head() == begun.head
        begun.engine.close()
        begun.engine = promoted
        assert_settles(begun, record, pair.standby, [b"acknowledged", b"cancelled"])
    finally:
        pair.remove()
