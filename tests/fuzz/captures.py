"""The reader of captures, against `json` and `gzip`: the same records, and each fault told."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

from clnwire.captures import reading
from clnwire.captures.reading import CaptureError, read_records

FRAME: Final = '{"jsonrpc":"2.0","method":"custommsg","params":{"a":"\\ud83d\\ude00é\\u2028"}}'
GOOD: Final = (
    {"t_us": 1, "dir": "in", "frame": FRAME},
    {"t_us": 12, "dir": "out", "frame": FRAME, "redacted": ["preimage"]},
    {"t_us": 7, "dir": "in", "note": "not JSON", "raw": b64encode(b"\xff{").decode()},
    {"t_us": 0, "dir": "out", "frame": "{}", "more": [{"a": None}]},
)
PIECES: Final = (
    *(bytes([letter]) for letter in b'{}[]",:\\ \r\x00\x80\xff'),
    *(b"null", b'"t_us":', b'"dir":"up"', b'"frame":', b'"raw":"A"', b"-1", b"\xc3", b"\\u00"),
)


class Target:
    """Each case is a file of some records, some of them damaged, packed or not, cut or not."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "capture"

    def case(self, random: Random) -> None:
        """Reads the file in chunks of any size."""
        lines = [line(random) for _ in range(random.randrange(6))]
        data = random.choice([b"\n", b"\r\n"]).join(lines) + random.choice([b"", b"\n"])
        is_damaged = False
        if random.random() < 0.4:
            data, is_damaged = packed(random, data)
        self._path.write_bytes(data)
        sizes = {"READ_SIZE": random.randint(1, 200), "UNPACKED_SIZE": random.randint(1, 200)}
        with mock.patch.multiple(reading, **sizes):
            found = read(self._path)
        expected = judged(data)
        if is_damaged:
            # How much of the last bytes before the damage is read depends on the chunks, and zlib
            # checks more of a header than `gzip` does.
            assert found[2] >= expected[2], (data, sizes, found, expected)
            expected = (expected[0][: len(found[0])], expected[1][: len(found[1])], found[2])
        assert found == expected, (data, sizes, found, expected)


def line(random: Random) -> bytes:
    """A record, whole or with a few bytes changed."""
    record = dict(random.choice(GOOD))
    if random.random() < 0.1:
        record.pop(random.choice([*record]))
    text = bytearray(json.dumps(record, ensure_ascii=random.random() < 0.5).encode())
    while random.random() < 0.3:
        at = random.randrange(len(text) + 1)
        text[at : at + random.randrange(3)] = random.choice(PIECES)
    return bytes(text)


def packed(random: Random, data: bytes) -> tuple[bytes, bool]:
    """One or two members of gzip, perhaps cut or with a byte changed; and whether one is."""
    at = random.randrange(len(data) + 1)
    parts = [data[:at], data[at:]] if random.random() < 0.5 else [data]
    text = bytearray(b"".join(gzip.compress(part, 1) for part in parts))
    if random.random() < 0.3:
        del text[random.randrange(2, len(text)) :]
    elif random.random() < 0.3:
        text[random.randrange(2, len(text))] = random.randrange(256)
        return bytes(text), True
    return bytes(text), False


def read(path: Path) -> tuple[list[Any], list[int], bool]:
    """The records with their numbers, the broken lines' numbers, and whether it was cut."""
    broken: list[CaptureError] = []
    cut: list[CaptureError] = []
    records: list[Any] = []
    for number, record in read_records(path, on_broken=broken.append, on_cut=cut.append):
        plain = (record.t_us, record.dir, record.frame, record.note, record.raw, record.redacted)
        records.append((number, *plain))
    numbers = [int(str(error).removeprefix(f"{path}:").partition(":")[0]) for error in broken]
    return records, numbers, bool(cut)


def judged(data: bytes) -> tuple[list[Any], list[int], bool]:
    """What has to be found."""
    text, cut = unpacked(data) if data[:2] == b"\x1f\x8b" else (data, False)
    lines = text.split(b"\n")
    if cut:
        # What comes before the end of the data may be half a line.
        del lines[-1]
    records: list[Any] = []
    broken: list[int] = []
    for number, each in enumerate(lines, 1):
        if not each.strip():
            continue
        record = as_record(each)
        if record is None:
            broken.append(number)
        else:
            records.append((number, *record))
    return records, broken, cut


def unpacked(data: bytes) -> tuple[bytes, bool]:
    """What comes out byte by byte, and whether it ends before the data says so."""
    text = bytearray()
    file = gzip.GzipFile(fileobj=BytesIO(data))
    try:
        while byte := file.read1(1):
            text += byte
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return bytes(text), True
    return bytes(text), False


def as_record(text: bytes) -> tuple[Any, ...] | None:
    """The record, by `json` and by hand. Members that are not a record's may have any text."""
    try:
        members = json.loads(text.decode(errors="surrogateescape"), parse_constant=int)
        own = [members.get(name) for name in ("frame", "note", "redacted")]
        json.dumps(own, ensure_ascii=False).encode()
    except (ValueError, AttributeError):
        return None
    if type(members.get("t_us")) is not int:
        return None
    frame, note, raw = (members.get(name) for name in ("frame", "note", "raw"))
    redacted = members.get("redacted", [])
    texts = [each for each in (frame, note, raw) if each is not None]
    if members.get("dir") not in ("in", "out") or (frame is None and note is None):
        return None
    if not isinstance(redacted, list) or not all(
        isinstance(each, str) for each in texts + redacted
    ):
        return None
    try:
        data = None if raw is None else b64decode(raw, validate=True)
    except ValueError:
        return None
    return members["t_us"], members["dir"], frame, note, data, tuple(redacted)
