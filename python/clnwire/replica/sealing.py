"""Compression and encryption of what an engine stores.

Sets and bases are sealed before an engine sees them, and chains and digests are of the sealed
bytes. So a copy can be checked without the key.

A set without either is the params of its message as they came, which begin with `{`. Otherwise it
begins with a byte of flags: 1 is zlib, 2 is AES-256-GCM. If encrypted, 12 bytes of nonce follow,
then the ciphertext with its tag; flags, place and node are authenticated too. A file is the word
`clnwire1` and blocks, each with its length (u32, little-endian) before it and sealed like a set.
The last block of a file is empty, so a cut is found.
"""

from __future__ import annotations

import os
import zlib
from struct import Struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from clnwire.replica.errors import ReplicaError
from clnwire.replica.settings import ReplicaSettings, SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ZLIB: Final = 1
_AES: Final = 2
_NONCE: Final = 12
_MAGIC: Final = b"clnwire1"
_BLOCK: Final = 1 << 20
_LENGTH: Final = Struct("<I")
_PLACE: Final = Struct("<QQ")
"""Of a set: its generation and its sequence."""
_FILE_PLACE: Final = Struct("<QQQ?")
"""Of a block: the base's generation and sequence, its number, and whether it is the last."""
_LEVEL: Final = 1
"""Of zlib: the highest speed, since the node waits."""


class Seal:
    """Seals what is stored, and opens it again. Opening needs no more than the key."""

    def __init__(self, node: str, *, compresses: bool = False, key: bytes | None = None) -> None:
        self._node = node.encode()
        self._flags = (_ZLIB if compresses else 0) | (_AES if key is not None else 0)
        self._cipher = None if key is None else _cipher(key)

    @classmethod
    def of(cls, settings: ReplicaSettings) -> Seal:
        """The seal that the settings name."""
        file = settings.encryption_key_file
        key = None if file is None else read_key(file)
        return cls(settings.node, compresses=settings.compression == "zlib", key=key)

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return not self._flags

    def seal(self, generation: int, sequence: int, payload: bytes) -> bytes:
        """What to store for the params of a set."""
        if not self._flags:
            return payload
        return self._seal(payload, _PLACE.pack(generation, sequence))

    def open(self, generation: int, sequence: int, stored: bytes | memoryview) -> bytes:
        """The params of a set.

        Raises:
            ReplicaError: The key is missing or another, or the bytes are those of another set.
        """
        data = bytes(stored)
        if data[:1] == b"{":
            return data
        return self._open(data, _PLACE.pack(generation, sequence), f"set {sequence}")

    def _seal(self, data: bytes, place: bytes) -> bytes:
        if self._flags & _ZLIB:
            data = zlib.compress(data, _LEVEL)
        head = bytes([self._flags])
        if self._cipher is None:
            return head + data
        nonce = os.urandom(_NONCE)
        text: bytes = self._cipher.encrypt(nonce, data, head + place + self._node)
        return head + nonce + text

    def _open(self, data: bytes, place: bytes, what: str) -> bytes:
        flags, rest = data[:1], data[1:]
        if not flags or flags[0] & ~(_ZLIB | _AES):
            raise ReplicaError(f"{what}: it is sealed in a way that this clnwire does not know")
        if flags[0] & _AES:
            rest = self._decrypt(rest, flags + place + self._node, what)
        try:
            return zlib.decompress(rest) if flags[0] & _ZLIB else rest
        except zlib.error as error:
            raise ReplicaError(f"{what}: cannot be decompressed: {error}") from error

    def _decrypt(self, data: bytes, context: bytes, what: str) -> bytes:
        if self._cipher is None:
            raise ReplicaError(f"{what}: it is encrypted; name encryption-key-file in the settings")
        from cryptography.exceptions import InvalidTag

        try:
            plain: bytes = self._cipher.decrypt(data[:_NONCE], data[_NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise ReplicaError(
                f"{what}: the key does not fit; it was encrypted with another one, or was changed"
            ) from error
        return plain

    def seal_file(
        self,
        place: tuple[int, int],
        source: Path,
        target: Path,
        progress: Callable[[int, int], object],
    ) -> None:
        """Writes what to store for a base to a new file. `place`: its generation and sequence."""
        size = source.stat().st_size
        with source.open("rb") as plain, _create(target) as sealed:
            sealed.write(_MAGIC)
            number = 0
            while True:
                block = plain.read(_BLOCK)
                data = self._seal(block, _FILE_PLACE.pack(*place, number, not block))
                sealed.write(_LENGTH.pack(len(data)) + data)
                number += 1
                if not block:
                    break
                progress(plain.tell(), size)
            _sync(sealed)

    def open_file(
        self,
        place: tuple[int, int],
        source: Path,
        target: Path,
        progress: Callable[[int, int], object],
    ) -> None:
        """Writes the database of a stored base to a new file, which is synced on return.

        Raises:
            ReplicaError: As `open`, or the file is cut.
        """
        size = source.stat().st_size
        with source.open("rb") as sealed, _create(target) as plain:
            if sealed.read(len(_MAGIC)) != _MAGIC:
                raise ReplicaError(f"{source}: it is not sealed as clnwire does")
            number = 0
            while block := self._open_block(place, sealed, number, source):
                plain.write(block)
                number += 1
                progress(sealed.tell(), size)
            _sync(plain)

    def _open_block(
        self, place: tuple[int, int], sealed: BinaryIO, number: int, source: Path
    ) -> bytes:
        head = sealed.read(_LENGTH.size)
        size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        data = sealed.read(size)
        if not data or len(data) < size:
            raise ReplicaError(f"{source}: it is cut after block {number}")
        is_last = sealed.tell() == os.fstat(sealed.fileno()).st_size
        context = _FILE_PLACE.pack(*place, number, is_last)
        return self._open(data, context, f"{source}, block {number}")


def is_sealed_file(path: Path) -> bool:
    """Whether a stored base is sealed; otherwise it is a database as it stands."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_key(path: Path) -> bytes:
    """The 32 bytes of a key file, which has them in hexadecimal."""
    try:
        key = bytes.fromhex(read_secret(path).decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError(
            f"{path}: must have 64 hexadecimal digits; `openssl rand -hex 32` makes them"
        )
    return key


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise SettingsError(
            "encryption needs the package cryptography: pip install 'clnwire[replica]'"
        ) from error
    return AESGCM(key)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
    )


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
