"""Compression and encryption of sets and bases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clnwire.replica.errors import ReplicaError
from clnwire.replica.sealing import Seal, is_sealed_file, read_key
from clnwire.replica.settings import SettingsError

PAYLOAD = b'{"data_version":7,"writes":["' + b"UPDATE a SET b = 1; " * 50 + b'"]}'
KEY = bytes(range(32))


def nothing(_done: int, _total: int) -> None:
    """No progress is shown."""


@pytest.fixture(params=["plain", "zlib", "aes", "both"])
def seal(request: pytest.FixtureRequest) -> Seal:
    kind: str = request.param
    key = KEY if kind in ("aes", "both") else None
    if key:
        pytest.importorskip("cryptography")
    return Seal("alice", compresses=kind in ("zlib", "both"), key=key)


def test_sets(seal: Seal) -> None:
    stored = seal.seal(1, 7, PAYLOAD)
    assert seal.open(1, 7, memoryview(stored)) == PAYLOAD
    assert (stored == PAYLOAD) is seal.is_plain


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 5])
def test_files(seal: Seal, tmp_path: Path, size: int) -> None:
    plain, stored, again = tmp_path / "plain", tmp_path / "stored", tmp_path / "again"
    plain.write_bytes(os.urandom(1024) * (size >> 10) + b"x" * (size & 1023))
    seal.seal_file((1, 7), plain, stored, nothing)
    assert is_sealed_file(stored)
    seal.open_file((1, 7), stored, again, nothing)
    assert again.read_bytes() == plain.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (stored, again)} == {0o600}


def test_a_file_that_is_cut(seal: Seal, tmp_path: Path) -> None:
    plain, stored = tmp_path / "plain", tmp_path / "stored"
    plain.write_bytes(b"x" * (3 << 20))
    seal.seal_file((1, 7), plain, stored, nothing)
    whole = stored.read_bytes()
    first = 12 + int.from_bytes(whole[8:12], "little")
    for number, end in enumerate((8, 9, first - 1, first, first + 2, len(whole) - 1)):
        stored.write_bytes(whole[:end])
        with pytest.raises(ReplicaError):
            seal.open_file((1, 7), stored, tmp_path / f"again{number}", nothing)


def test_encryption_binds_a_set_to_its_place() -> None:
    pytest.importorskip("cryptography")
    seal = Seal("alice", key=KEY)
    stored = seal.seal(1, 7, PAYLOAD)
    assert b"UPDATE" not in stored
    assert stored != seal.seal(1, 7, PAYLOAD)
    changed = stored[:-1] + bytes([stored[-1] ^ 1])
    others = [
        lambda: seal.open(1, 8, stored),
        lambda: seal.open(2, 7, stored),
        lambda: seal.open(1, 7, changed),
        lambda: seal.open(1, 7, stored[:5]),
        lambda: Seal("bob", key=KEY).open(1, 7, stored),
        lambda: Seal("alice", key=bytes(32)).open(1, 7, stored),
    ]
    for other in others:
        with pytest.raises(ReplicaError, match="the key does not fit"):
            other()
    with pytest.raises(ReplicaError, match="name encryption-key-file"):
        Seal("alice").open(1, 7, stored)


def test_what_is_sealed_in_an_unknown_way() -> None:
    with pytest.raises(ReplicaError, match="does not know"):
        Seal("alice").open(1, 7, b"\x04abc")
    with pytest.raises(ReplicaError, match="cannot be decompressed"):
        Seal("alice").open(1, 7, b"\x01abc")


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(KEY.hex() + "\n")
    assert read_key(path) == KEY
    path.write_text("abc")
    with pytest.raises(SettingsError, match="64 hexadecimal digits"):
        read_key(path)
