"""Captures: what a daemon and a plugin have said to each other, one JSON object a line.

`{"t_us": microseconds since the start, "dir": "in" to the plugin | "out" from it, "frame": text}`,
plain or gzipped.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from clnwire import _core
from clnwire.host.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_GZIP = b"\x1f\x8b"


class CaptureError(HostError):
    """The capture cannot be read; the message names the file and the line."""


class Record(Struct):
    """A line of a capture."""

    t_us: int
    dir: Literal["in", "out"]
    frame: str


class Step(Struct):
    """A message that the daemon sent, and what it got for it."""

    line: int
    """Of the capture, counted from 1."""
    t_us: int
    frame: bytes
    method: str
    token: bytes | None
    """`None` for a notification."""
    reply: bytes | None = None
    """The captured reply; `None` if there is none."""
    refused: bool = False
    """The captured reply is an error."""


def read_capture(path: Path) -> list[Step]:
    """The daemon's messages in their order. Raises `CaptureError`."""
    steps: list[Step] = []
    asked: dict[bytes, Step] = {}
    for line, record in _records(path):
        members = _members(path, line, record)
        token = members.get("id")
        if record.dir == "in":
            step = _step(path, line, record, members)
            steps.append(step)
            if token is not None:
                asked[token] = step
        elif token in asked and "method" not in members:
            asked[token].reply = record.frame.encode()
            asked[token].refused = "error" in members
    if not steps:
        raise CaptureError(f"{path}: no message to the plugin in it")
    return steps


def _records(path: Path) -> Iterable[tuple[int, Record]]:
    decoder = msgspec.json.Decoder(Record)
    for line, text in enumerate(_text(path).splitlines(), 1):
        if text.strip():
            try:
                yield line, decoder.decode(text)
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise CaptureError(f"{path}:{line}: no record of a capture: {error}") from None


def _text(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CaptureError(f"{path}: cannot be read: {reason}") from None


def _members(path: Path, line: int, record: Record) -> dict[str, bytes]:
    """The frame's members, of a doubled one the first, as everywhere. The daemon itself may have
    sent an option that is no JSON."""
    try:
        return dict(reversed(_core.members(record.frame.encode())))
    except (ValueError, UnicodeError) as error:
        raise CaptureError(f"{path}:{line}: the frame is no JSON object: {error}") from None


def _step(path: Path, line: int, record: Record, members: dict[str, bytes]) -> Step:
    try:
        method = msgspec.json.decode(members.get("method", b""), type=str)
    except msgspec.MsgspecError:
        raise CaptureError(f"{path}:{line}: the frame has no method") from None
    return Step(line, record.t_us, record.frame.encode(), method, members.get("id"))
