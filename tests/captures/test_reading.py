"""Captures are read with flat memory, whatever they hold."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest

from clnwire.captures import reading
from clnwire.captures.reading import CaptureError

GOOD = b'{"t_us":1,"dir":"in","frame":"{}"}\n'


@pytest.mark.parametrize("end", [b"\n" + GOOD, b""])
def test_a_line_that_is_too_long_is_left_out_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 1 << 20)
    path = tmp_path / "x.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(GOOD)
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(end)
    broken: list[CaptureError] = []
    cut: list[CaptureError] = []
    tracemalloc.start()
    try:
        found = list(reading.read_records(path, on_broken=broken.append, on_cut=cut.append))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [number for number, _ in found] == ([1, 3] if end else [1])
    assert [str(error) for error in broken] == [
        f"{path}:2: not a record of a capture: longer than 1 MiB"
    ]
    assert cut == []
    assert peak < 16 << 20


def test_a_line_of_the_longest_size_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", len(GOOD) - 1)
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + b" " + GOOD + GOOD)
    broken: list[CaptureError] = []
    found = list(reading.read_records(path, on_broken=broken.append, on_cut=broken.append))
    assert [number for number, _ in found] == [1, 3]
    assert len(broken) == 1


def test_all_whole_lines_before_a_cut_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_SIZE", 17)
    monkeypatch.setattr(reading, "UNPACKED_SIZE", 18)
    path = tmp_path / "x.jsonl.gz"
    packed = gzip.compress(b"".join(GOOD.replace(b"1", b"%d" % n) for n in range(60)))
    for length in range(20, len(packed)):
        path.write_bytes(packed[:length])
        cut: list[CaptureError] = []
        found = list(reading.read_records(path, on_broken=cut.append, on_cut=cut.append))
        whole = zlib.decompressobj(wbits=31).decompress(packed[:length]).count(b"\n")
        assert (len(found), len(cut)) == (whole, 1), length
