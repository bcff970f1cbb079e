"""Compression and encryption of sets and bases."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.sealing import Place, Sealing, check_private, new_key_file

PAYLOAD = b'{"data_version":7,"writes":["' + b"UPDATE a SET b = 1; " * 50 + b'"]}'
PLACE = Place("alice", 1, 7)


def nothing(_done: int, _total: int) -> None:
    """No progress is shown."""


def key_file(folder: Path, name: str = "key") -> Path:
    pytest.importorskip("cryptography")
    new_key_file(folder / name)
    return folder / name


@pytest.fixture(params=["plain", "zlib", "aes", "both"])
def sealing(request: pytest.FixtureRequest, tmp_path: Path) -> Sealing:
    kind: str = request.param
    key = key_file(tmp_path) if kind in ("aes", "both") else None
    return Sealing(compress=kind in ("zlib", "both"), key_file=key)


def test_sets(sealing: Sealing) -> None:
    stored = sealing.seal_set(PLACE, PAYLOAD)
    assert sealing.open_set(PLACE, memoryview(stored)) == PAYLOAD
    assert (stored == PAYLOAD) is sealing.is_plain


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 5])
def test_bases(sealing: Sealing, tmp_path: Path, size: int) -> None:
    plain, stored, again = tmp_path / "plain", tmp_path / "stored", tmp_path / "again"
    plain.write_bytes(os.urandom(1024) * (size >> 10) + b"x" * (size & 1023))
    sealing.seal_base(PLACE, plain, stored, nothing)
    sealing.open_base(PLACE, stored, again, nothing)
    assert again.read_bytes() == plain.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (stored, again)} == {0o600}


def test_a_base_that_is_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(b"SQLite format 3")
    Sealing().open_base(PLACE, tmp_path / "stored", tmp_path / "again", nothing)
    assert (tmp_path / "again").read_bytes() == b"SQLite format 3"


def test_a_base_that_is_cut_or_longer(sealing: Sealing, tmp_path: Path) -> None:
    plain, stored = tmp_path / "plain", tmp_path / "stored"
    plain.write_bytes(b"x" * (3 << 20))
    sealing.seal_base(PLACE, plain, stored, nothing)
    whole = stored.read_bytes()
    first = 12 + int.from_bytes(whole[8:12], "little")
    parts = [whole[:end] for end in (8, 9, first - 1, first, first + 2, len(whole) - 1)]
    for number, part in enumerate([*parts, whole + b"x"]):
        stored.write_bytes(part)
        with pytest.raises(ReplicaError):
            sealing.open_base(PLACE, stored, tmp_path / f"again{number}", nothing)


def test_encryption_binds_a_set_to_its_place(tmp_path: Path) -> None:
    sealing = Sealing(key_file=key_file(tmp_path))
    stored = sealing.seal_set(PLACE, PAYLOAD)
    assert b"UPDATE" not in stored
    assert stored != sealing.seal_set(PLACE, PAYLOAD)
    changes: list[dict[str, object]] = [
        {"node": "bob"},
        {"generation": 2},
        {"sequence": 8},
        {"chunk": 0},
    ]
    for change in changes:
        with pytest.raises(ReplicaError, match="does not open it"):
            sealing.open_set(msgspec.structs.replace(PLACE, **change), stored)
    for damaged in (stored[:-1] + bytes([stored[-1] ^ 1]), stored[:12], stored[:-1]):
        with pytest.raises(ReplicaError, match="does not open it"):
            sealing.open_set(PLACE, damaged)


def test_keys_can_be_exchanged(tmp_path: Path) -> None:
    old, new = key_file(tmp_path), key_file(tmp_path, "new")
    stored = Sealing(key_file=old).seal_set(PLACE, PAYLOAD)
    for others in (Sealing(key_file=new), Sealing()):
        with pytest.raises(RefusedError, match="set encryption-key-file"):
            others.open_set(PLACE, stored)
    new.write_text(new.read_text() + old.read_text())
    assert Sealing(key_file=new).open_set(PLACE, stored) == PAYLOAD


def test_what_is_sealed_in_an_unknown_way() -> None:
    for stored in (b"", b"\x04abc"):
        with pytest.raises(ReplicaError, match="a newer clnwire"):
            Sealing().open_set(PLACE, stored)
    with pytest.raises(ReplicaError, match="is damaged"):
        Sealing().open_set(PLACE, b"\x01abc")


def test_files_with_secrets(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    check_private(path)
    path.write_text("abc")
    with pytest.raises(RefusedError, match="64 hexadecimal digits"):
        Sealing(key_file=path)
    path.chmod(0o640)
    with pytest.raises(RefusedError, match="chmod 600"):
        Sealing(key_file=path)
    with pytest.raises(RefusedError, match="is not a file"):
        check_private(tmp_path)
    with pytest.raises(RefusedError, match="cannot be read"):
        check_private(tmp_path / "none")


def test_the_format_is_as_specified(tmp_path: Path) -> None:
    """By `docs/replica-format.md` alone."""
    import hashlib
    import zlib

    path = key_file(tmp_path)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

    key = bytes.fromhex(path.read_text())
    name = hashlib.blake2b(key, digest_size=8, person=b"clnwire key id").digest()
    sealing = Sealing(compress=True, key_file=path)

    def opened(blob: bytes, place: str) -> bytes:
        assert blob[1:9] == name
        context = blob[:9] + place.encode()
        data = AESGCMSIV(key).decrypt(blob[9:21], blob[21:], context)
        # What would not get shorter is not compressed.
        assert blob[0] in (2, 3)
        return zlib.decompress(data) if blob[0] == 3 else data

    stored = sealing.seal_set(PLACE, PAYLOAD)
    assert b"\0" not in stored
    blob = stored.replace(b"\1\2", b"\0").replace(b"\1\3", b"\1")
    assert opened(blob, "alice\n1\n7\nset") == PAYLOAD
    (tmp_path / "plain").write_bytes(b"0" * ((1 << 20) + 5))
    sealing.seal_base(PLACE, tmp_path / "plain", tmp_path / "stored", nothing)
    rest, blocks = (tmp_path / "stored").read_bytes(), b""
    assert rest[:8] == b"clnwire1"
    rest = rest[8:]
    for number in range(3):
        size = int.from_bytes(rest[:4], "little")
        block = opened(rest[4 : 4 + size], f"alice\n1\n7\nbase {number}")
        assert (block == b"") == (number == 2)
        blocks, rest = blocks + block, rest[4 + size :]
    assert blocks == (tmp_path / "plain").read_bytes()
    assert rest == b""
