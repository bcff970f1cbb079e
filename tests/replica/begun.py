"""An engine on a real server, with a base and sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

pytest.importorskip("psycopg", reason="needs the extra: replica")

from clnwire.journal import chain_of, digest_of_file
from clnwire.replica.engines.postgresql import PostgresqlEngine
from clnwire.replica.engines.postgresql.address import Address
from clnwire.replica.engines.postgresql.lease import Instance, Lease, process_of
from clnwire.replica.engines.postgresql.session import Session
from clnwire.replica.errors import UnavailableError
from clnwire.replica.records import Head, Record
from clnwire.replica.settings import ReplicaSettings
from tests.replica.postgres import Server

__all__ = ["Address", "Instance", "Lease", "Session", "process_of"]

_T = TypeVar("_T")


def an_engine(
    url: str, node: str, *, answer_seconds: float = 2.0, writes: bool = False, **settings
) -> PostgresqlEngine:
    found = ReplicaSettings(engine=url, node=node, **settings)
    return PostgresqlEngine(found, writes=writes, answer_seconds=answer_seconds)


def no_progress(done: int, total: int) -> None:
    pass


def a_base(folder: Path, size: int = 3_000_000) -> Path:
    path = folder / "base"
    path.write_bytes(b"database" * (size // 8))
    return path


def first_head(node: str, base: Path, epoch: int = 1) -> Head:
    return Head(node, 1, epoch, f"{epoch:032x}", 100, digest_of_file(base))


def next_record(head: Head, text: str = "a set", replaces: bytes | None = None) -> Record:
    """The set after `head`, or one instead of it; then `replaces` is the chain before it."""
    sequence = head.sequence + (replaces is None)
    chain = head.chain if replaces is None else replaces
    payload = text.encode()
    return Record(sequence, head.epoch, True, payload, chain_of(chain, sequence, True, payload))


class Begun:
    """An engine that has a base."""

    def __init__(self, url: str, node: str, folder: Path, **options) -> None:
        options.setdefault("writes", True)
        self.engine = an_engine(url, node, **options)
        self.engine.open()
        base = a_base(folder, 8_000)
        self.head = first_head(node, base)
        self.base = self.engine.begin(None, self.head, base, no_progress)

    def append(self, text: str = "a set") -> Record:
        record = next_record(self.head, text)
        self.head = self.engine.append(self.head, record)
        return record


def eventually(call: Callable[[], _T]) -> _T:
    """What `call` returns as soon as the server is available, as a node's patience does."""
    end = time.monotonic() + 60
    while True:
        try:
            return call()
        except UnavailableError:
            assert time.monotonic() < end
            time.sleep(0.05)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def payloads(server: Server, node: str) -> list[bytes]:
    rows = server.sql(f"SELECT payload FROM clnwire.sets WHERE node = '{node}' ORDER BY sequence")
    return [bytes(row[0]) for row in rows]
