"""The process that writes a capture: what the proxy has copied into the pipe, as records.

It outlives a proxy that is killed, and then completes the file. What it has written can be read at
any time: it flushes when no data comes, and at least every second.
"""

import os
import select
import signal
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, Literal, NoReturn

from msgspec import json

from clnwire._core import mask
from clnwire._wire.counting import counted
from clnwire.captures.cutting import Cutter, Piece
from clnwire.captures.reading import Record
from clnwire.captures.tap import FINISHED, FROM_PLUGIN, GAP, HEADER, TO_PLUGIN

LEVEL: Final = 4
"""The gzip level: half the work of the default for 10% more bytes."""
READ_SIZE: Final = 1 << 20
QUIET: Final = 0.1
"""Seconds without traffic after which all is flushed."""
FLUSH_EVERY: Final = 1.0
"""Seconds between flushes: at most this much is lost if this process is killed."""
GRACE: Final = 1.0
"""After the proxy was killed: seconds that the plugin has to exit before the writer kills it."""
DIRECTIONS: Final[dict[int, Literal["in", "out"]]] = {TO_PLUGIN: "in", FROM_PLUGIN: "out"}


def write_capture(pipe: int, file: int, masked: Sequence[str], plugin: int | None) -> bool:
    """Writes until the pipe ends; returns whether everything could be written.

    `masked` are the members whose values are masked. `plugin` is a pidfd of the plugin: if
    lightningd kills the proxy, which it takes for the plugin, the writer kills the plugin.
    """
    recorder = _Recorder(masked)
    try:
        _pump(pipe, recorder, _File(file))
    except OSError as error:
        _say(f"the capture cannot be written: {error.strerror}")
        return False
    if not recorder.finished:
        _end_orphan(plugin)
    return True


def become_writer(pipe: int, file: int, masked: Sequence[str], plugin: int | None) -> NoReturn:
    """Makes this process, a copy of the proxy, the writer; it never returns."""
    status = 1
    try:
        # Ctrl-C and SIGTERM are meant for the proxy. The writer must outlive it to record its last
        # bytes, so it leaves the session and ignores these signals.
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        # The daemon waits for these two pipes to close, so do not keep them open.
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        status = 0 if write_capture(pipe, file, masked, plugin) else 1
    except BaseException as error:
        _say(f"the recording has failed: {type(error).__name__}: {error}")
    finally:
        os._exit(status)


class _Recorder:
    """Bytes of the pipe to lines of the capture."""

    def __init__(self, masked: Sequence[str]) -> None:
        self._masked = tuple(dict.fromkeys(masked))
        self._cutters = {direction: Cutter() for direction in DIRECTIONS}
        self._buffer = bytearray()
        self._t_us = 0
        self.finished = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        start, size = 0, HEADER.size
        while len(self._buffer) >= start + size:
            at_ns, kind, length = HEADER.unpack_from(self._buffer, start)
            end = start + size + length
            if end > len(self._buffer):
                break
            self._t_us = at_ns // 1000
            yield from self._lines(kind, bytes(self._buffer[start + size : end]))
            start = end
        del self._buffer[:start]

    def end(self) -> Iterator[bytes]:
        """Records the incomplete message at the end of each direction."""
        for direction, cutter in self._cutters.items():
            yield from self._records(direction, cutter.end())

    def _lines(self, kind: int, data: bytes) -> Iterator[bytes]:
        if kind == FINISHED:
            self.finished = True
        elif kind in self._cutters:
            yield from self._records(kind, self._cutters[kind].feed(data))
        else:
            direction = kind - GAP
            yield from self._records(direction, self._cutters[direction].skip())
            note = (
                f"missing here: {counted(int(data), 'byte')}; the disk was slower than the traffic"
            )
            yield self._line(Record(self._t_us, DIRECTIONS[direction], note=note))

    def _records(self, direction: int, pieces: Iterable[Piece]) -> Iterator[bytes]:
        for piece in pieces:
            record = Record(self._t_us, DIRECTIONS[direction])
            if piece.problem is not None:
                record.note = f"{piece.problem} ({counted(len(piece.data), 'byte')})"
                # Bytes that are not a message cannot be masked, so leave them out.
                record.raw = None if self._masked else piece.data
            else:
                frame, names = mask(piece.data, self._masked) if self._masked else (piece.data, ())
                record.frame, record.redacted = frame.decode(), names
            yield self._line(record)

    def _line(self, record: Record) -> bytes:
        return json.encode(record) + b"\n"


class _File:
    """A gzip file that can be read up to the last flush."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._packer = zlib.compressobj(LEVEL, wbits=31)
        self._flushed = time.monotonic()
        self.is_flushed = False

    def write(self, data: bytes) -> None:
        self.is_flushed = False
        self._put(self._packer.compress(data))
        if time.monotonic() - self._flushed > FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        self._put(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._flushed = time.monotonic()
        self.is_flushed = True

    def close(self) -> None:
        self._put(self._packer.flush())
        os.close(self._descriptor)

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def _pump(pipe: int, recorder: _Recorder, file: _File) -> None:
    while True:
        if not file.is_flushed and not select.select([pipe], [], [], QUIET)[0]:
            file.flush()
        data = os.read(pipe, READ_SIZE)
        if not data:
            break
        for line in recorder.feed(data):
            file.write(line)
    for line in recorder.end():
        file.write(line)
    file.close()


def _end_orphan(plugin: int | None) -> None:
    if plugin is None or sys.platform != "linux":
        return
    if not select.select([plugin], [], [], GRACE)[0]:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(plugin, signal.SIGKILL)


def _say(text: str) -> None:
    with suppress(OSError):
        os.write(2, f"clnwire record: {text}\n".encode())
