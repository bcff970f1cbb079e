"""Compresses and encrypts what an engine stores.

Sets and bases are sealed before an engine sees them, and chains and digests are of the sealed
bytes. So a copy can be checked without the key.

Encryption is AES-256-GCM-SIV (RFC 8452) with a random nonce of 96 bits for each blob. A counter as
nonce would repeat when a machine is cloned or an engine goes back to an older state, and so may the
random numbers of a cloned machine. With GCM-SIV a repeated nonce reveals only whether two blobs are
equal, and 2³² blobs of one key are far below its limits.

A sealed blob is one byte of flags; if it is encrypted, 8 bytes that identify the key and the
12-byte nonce; then the data. What is authenticated with it: the flags, the key's identity, and
where the blob belongs, so that blobs cannot be exchanged for one another.

A set that is neither compressed nor encrypted stays as it came, and begins with `{`. In other sets
the byte 0 becomes 1 2, and 1 becomes 1 3, since a journal finds torn records by zeros. A sealed
base is the word `clnwire1`, then for each MiB of the database the length of its blob (u32,
little-endian) and the blob. A last blob, of no bytes, shows that nothing is cut off.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import stat
import zlib
from struct import Struct
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from clnwire._core import DEFAULT_MAX_FRAME_BYTES
from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.files import create, named, sync
from clnwire.replica.settings import ReplicaSettings, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

    from clnwire.replica.files import Progress

_COMPRESSED: Final = 1
_ENCRYPTED: Final = 2
_KEY_ID: Final = 8
_NONCE: Final = 12
_LEVEL: Final = 1
"""zlib's fastest: sets wait for it."""
_MAGIC: Final = b"clnwire1"
_BLOCK: Final = 1 << 20
_LENGTH: Final = Struct("<I")


class Place(msgspec.Struct, frozen=True):
    """Where a blob belongs. It can be opened only there."""

    node: str
    generation: int
    sequence: int
    chunk: int | None = None
    """The number of a base's chunk; `None` for a set."""

    def bytes(self) -> bytes:
        """What encryption authenticates."""
        kind = "set" if self.chunk is None else f"base {self.chunk}"
        return f"{self.node}\n{self.generation}\n{self.sequence}\n{kind}".encode()


class _Key(NamedTuple):
    id: bytes
    cipher: AESGCMSIV


class Sealing:
    """How blobs are stored. Opening needs the key, but not to know whether they are compressed."""

    def __init__(self, *, compress: bool = False, key_file: Path | None = None) -> None:
        """Reads the keys. With `compress`, new blobs are compressed with zlib.

        The file has 64 hexadecimal digits a line, and is readable by its owner only. The first key
        encrypts, and each decrypts, so that a new key can be put first.
        """
        self._compress = compress
        self._key_file = key_file
        self._keys = [] if key_file is None else _read_keys(key_file)

    def seal(self, data: bytes | memoryview, place: Place) -> bytes:
        """The blob to store."""
        flags = 0
        if self._compress:
            packed = zlib.compress(data, _LEVEL)
            if len(packed) < len(data):
                data, flags = packed, _COMPRESSED
        if not self._keys:
            return bytes((flags,)) + data
        key = self._keys[0]
        head = b"%c%b" % (flags | _ENCRYPTED, key.id)
        nonce = os.urandom(_NONCE)
        return head + nonce + key.cipher.encrypt(nonce, data, head + place.bytes())

    def open(self, blob: bytes, place: Place) -> bytes:
        """The data of a blob.

        Raises:
            RefusedError: It is encrypted with a key that is not given.
            ReplicaError: It is damaged, or belongs to another place.
        """
        if not blob or blob[0] > (_COMPRESSED | _ENCRYPTED):
            raise ReplicaError(f"{_shown(place)} is damaged, or a newer clnwire has stored it")
        flags, data = blob[0], blob[1:]
        if flags & _ENCRYPTED:
            data = self._decrypt(blob, place)
        if flags & _COMPRESSED:
            unpacker = zlib.decompressobj()
            try:
                most = DEFAULT_MAX_FRAME_BYTES if place.chunk is None else _BLOCK
                data = unpacker.decompress(data, most)
            except zlib.error as error:
                raise ReplicaError(f"{_shown(place)} is damaged: {error}") from error
            if not unpacker.eof:
                raise ReplicaError(f"{_shown(place)} is damaged: it is cut, or larger than any is")
        return data

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return not self._keys and not self._compress

    def seal_set(self, place: Place, payload: bytes) -> bytes:
        """The payload to store for the params of a set."""
        if self.is_plain:
            return payload
        return self.seal(payload, place).replace(b"\1", b"\1\3").replace(b"\0", b"\1\2")

    def open_set(self, place: Place, stored: bytes | memoryview) -> bytes:
        """The params of a stored set. Raises as `open` does."""
        payload = bytes(stored)
        if payload.startswith(b"{"):
            return payload
        return self.open(payload.replace(b"\1\2", b"\0").replace(b"\1\3", b"\1"), place)

    def seal_base(self, place: Place, source: Path, target: Path, progress: Progress) -> None:
        """Writes what to store for a database to a new file."""
        size = source.stat().st_size
        with named(source), source.open("rb") as plain, create(target, durable=False) as sealed:
            sealed.write(_MAGIC)
            for number in itertools.count():
                block = plain.read(_BLOCK)
                data = self.seal(block, msgspec.structs.replace(place, chunk=number))
                sealed.write(_LENGTH.pack(len(data)) + data)
                if not block:
                    break
                progress(plain.tell(), size)

    def to_store(self, place: Place, source: Path, target: Path, progress: Progress) -> Path:
        """The file to store for a database: itself if nothing is sealed, otherwise a new one."""
        if self.is_plain:
            return source
        self.seal_base(place, source, target, progress)
        return target

    def open_base(self, place: Place, stored: Path, target: Path, progress: Progress) -> None:
        """Writes the database of a stored base to a new file, which is synced on return.

        A base that was never sealed is moved there.

        Raises:
            ReplicaError: As `open`, or the file is cut or longer than it should be.
        """
        with named(stored), stored.open("rb") as sealed:
            if sealed.read(len(_MAGIC)) != _MAGIC:
                sync(stored)
                stored.rename(target)
                return
            size = stored.stat().st_size
            with create(target) as plain:
                for number in itertools.count():
                    data = _block(sealed, stored)
                    block = self.open(data, msgspec.structs.replace(place, chunk=number))
                    if not block:
                        break
                    plain.write(block)
                    progress(sealed.tell(), size)
                if sealed.read(1):
                    raise ReplicaError(f"{stored}: something follows its end")

    def _decrypt(self, blob: bytes, place: Place) -> bytes:
        from cryptography.exceptions import InvalidTag

        after = 1 + _KEY_ID
        head, nonce, data = blob[:after], blob[after : after + _NONCE], blob[after + _NONCE :]
        key = next((each for each in self._keys if each.id == head[1:]), None)
        if key is None:
            where = f"not in {self._key_file}" if self._key_file else "not given"
            raise RefusedError(
                f"{_shown(place)} is encrypted with the key {head[1:].hex()}, which is {where}; "
                "set encryption-key-file to the file that has it"
            )
        try:
            return key.cipher.decrypt(nonce, data, head + place.bytes())
        except (InvalidTag, ValueError) as error:
            raise ReplicaError(
                f"{_shown(place)} is damaged, or was exchanged: its key does not open it"
            ) from error


def sealing_of(settings: ReplicaSettings) -> Sealing:
    """The sealing that the settings name."""
    return Sealing(compress=settings.compression == "zlib", key_file=settings.encryption_key_file)


def _block(sealed: BinaryIO, path: Path) -> bytes:
    head = sealed.read(_LENGTH.size)
    size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    data = sealed.read(size)
    if not data or len(data) < size:
        raise ReplicaError(f"{path}: it is cut")
    return data


def new_key_file(path: Path) -> None:
    """Makes a file with a random key, readable by its owner only."""
    with create(path) as file:
        file.write(os.urandom(32).hex().encode() + b"\n")


def check_private(path: Path) -> None:
    """Checks that a file with secrets is readable by its owner alone, who is the user.

    Raises:
        RefusedError: It is not, or does not exist.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise RefusedError(f"{path}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(f"{path}: is not a file")
    if found.st_mode & 0o077:
        raise RefusedError(f"{path}: others may read its secrets; run: chmod 600 {path}")
    if found.st_uid != os.geteuid():
        raise RefusedError(f"{path}: belongs to another user; run: chown {os.geteuid()} {path}")


def _read_keys(path: Path) -> list[_Key]:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
    except ImportError as error:
        raise SettingsError(
            "encryption needs the package cryptography: pip install 'clnwire[replica]'"
        ) from error
    check_private(path)
    lines = path.read_text("ascii", "replace").split()
    if not lines or not all(re.fullmatch(r"[0-9a-fA-F]{64}", line) for line in lines):
        raise RefusedError(f"{path}: each line must be a key of 64 hexadecimal digits")
    keys = [bytes.fromhex(line) for line in lines]
    return [_Key(_identity(key), AESGCMSIV(key)) for key in keys]


def _identity(key: bytes) -> bytes:
    """What names a key, and does not reveal it."""
    return hashlib.blake2b(key, digest_size=_KEY_ID, person=b"clnwire key id").digest()


def _shown(place: Place) -> str:
    what = f"set {place.sequence}"
    if place.chunk is not None:
        what = f"chunk {place.chunk} of the base at {place.sequence}"
    return f"{what} of node {place.node}, generation {place.generation},"
