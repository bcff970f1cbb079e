"""Reads captures line by line in constant memory, damaged ones as far as possible."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, Literal

import msgspec
from msgspec import Meta, Struct

from clnwire._wire.codec import UNDECODABLE
from clnwire.errors import ClnwireError

if TYPE_CHECKING:
    from pathlib import Path

READ_SIZE: Final = 1 << 18
UNPACKED_SIZE: Final = 1 << 20
"""The most bytes to unpack at a time: bounds memory for any input."""
LONGEST_LINE: Final = 256 << 20
"""The most bytes of a record: several times the longest reply of a large node."""
_GZIP: Final = b"\x1f\x8b"
_FARTHEST: Final = 1 << 53
"""Microseconds, 285 years: what a float holds exactly."""


class CaptureError(ClnwireError):
    """The capture cannot be read or written; the message names the file and the line."""


class Record(Struct, omit_defaults=True):
    """A message with its time, or a note about bytes that could not be recorded as one."""

    t_us: Annotated[int, Meta(ge=-_FARTHEST, le=_FARTHEST)]
    """Microseconds since the start."""
    dir: Literal["in", "out"]
    """`in` to the plugin, `out` from it."""
    frame: str | None = None
    """The message's exact text, unless something in it is masked."""
    note: str | None = None
    """Why there is no message."""
    raw: bytes | None = None
    """With a note: the bytes; base64 in the file."""
    redacted: tuple[str, ...] = ()
    """The members that are masked in the message."""


class CutError(Exception):
    """The compressed data ends early, or is damaged; what came before it is whole."""


def read_records(
    path: Path,
    *,
    on_broken: Callable[[CaptureError], object],
    on_cut: Callable[[CaptureError], object],
    on_read: Callable[[int], object] | None = None,
) -> Iterator[tuple[int, Record]]:
    """The records with the numbers of their lines, from 1.

    `on_broken` gets the error for each line that is not a record, `on_cut` the reason why the rest
    cannot be read, and `on_read` the number of bytes read so far. Raises `CaptureError` if the file
    cannot be opened.
    """
    decoder = msgspec.json.Decoder(Record)
    number = 0
    try:
        for number, text in enumerate(_lines(path, on_read), 1):
            if text is None:
                size = f"longer than {LONGEST_LINE >> 20} MiB"
                on_broken(CaptureError(f"{path}:{number}: not a record of a capture: {size}"))
                continue
            if not text.strip():
                continue
            try:
                record = decoder.decode(text)
                if record.frame is None and record.note is None:
                    raise msgspec.ValidationError("Object missing required field `frame`")
                yield number, record
            except (UnicodeError, *UNDECODABLE) as error:
                on_broken(CaptureError(f"{path}:{number}: not a record of a capture: {error}"))
    except CutError as error:
        where = f"line {number + 1} and what follows cannot be read"
        on_cut(CaptureError(f"{path}: {where}: {error}"))


def _lines(path: Path, on_read: Callable[[int], object] | None) -> Iterator[bytes | None]:
    """The lines; `None` is one that is too long. Raises `CutError` after the last whole line."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            chunks = _unpacked(file, on_read) if packed else _plain(file, on_read)
            yield from _split(chunks)
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read: {error.strerror or error}") from None


def _split(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        if size > LONGEST_LINE:
            # A file of 1 MB can unpack to a line of 1 GB, so drop a line that is too long.
            parts.clear()
        for line in others:
            yield b"".join(parts) if size <= LONGEST_LINE else None
            parts, size = [line], len(line)
    yield b"".join(parts) if size <= LONGEST_LINE else None


def _plain(file: BinaryIO, on_read: Callable[[int], object] | None) -> Iterator[bytes]:
    while data := file.read(READ_SIZE):
        if on_read is not None:
            on_read(file.tell())
        yield data


def _unpacked(file: BinaryIO, on_read: Callable[[int], object] | None) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    inside = False
    try:
        for data in _plain(file, on_read):
            rest = data
            while rest:
                yield unpacker.decompress(rest, UNPACKED_SIZE)
                rest, inside = unpacker.unconsumed_tail, not unpacker.eof
                if unpacker.eof:
                    # A gzip file may hold several members, one after another.
                    rest, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
        if inside:
            # The last bytes may be held back, because the ones before them filled the size.
            yield unpacker.flush()
            raise CutError("the compressed data ends early")
    except zlib.error as error:
        raise CutError(f"the compressed data is damaged: {error}") from None
