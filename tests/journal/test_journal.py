"""The journal through its Python face."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from clnwire import journal
from clnwire.journal import Journal, chain_of, read

START = bytes(range(32))


def payload(sequence: int, size: int = 100) -> bytes:
    return b'{"data_version":%d,"writes":["%s"]}' % (sequence, b"x" * size)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def create(place: Path, *, sequence: int = 10, segment_bytes: int = 1 << 14) -> Journal:
    return Journal.create(place, sequence=sequence, chain=START, segment_bytes=segment_bytes)


def test_what_was_appended_is_read(place: Path):
    kept = create(place)
    before = chain = START
    expected: list[tuple[int, int, bool, bytes, bytes]] = []
    for sequence in range(11, 400):
        text, foreign_keys = payload(sequence), sequence % 3 == 0
        before, chain = chain, chain_of(chain, sequence, foreign_keys, text)
        assert kept.append(sequence, 7, foreign_keys, text) == chain
        assert (kept.sequence, kept.chain, kept.previous_chain) == (sequence, chain, before)
        expected.append((sequence, 7, foreign_keys, text, chain))
    assert list(read(place, 10)) == expected
    assert list(read(place, 200, 210)) == expected[190:200]
    assert list(read(place, 399)) == []
    kept.close()
    again = Journal.open(place)
    assert (again.sequence, again.chain, again.previous_chain) == (399, chain, before)
    assert again.torn is None
    again.append(400, 8, False, b"{}")
    assert [record[0] for record in read(place, 398)] == [399, 400]


def test_a_set_replaces_the_last_one(place: Path):
    chain = START
    kept = create(place, segment_bytes=4096)
    for sequence in range(11, 60):
        kept.append(sequence, 1, True, payload(sequence, 1000))
        kept.append(sequence, 2, True, payload(sequence, 1500))
        chain = kept.append(sequence, 3, True, payload(sequence, 500))
    records = list(read(place, 10))
    assert [record[:2] for record in records] == [(sequence, 3) for sequence in range(11, 60)]
    assert records[-1][4] == chain
    kept.close()
    again = Journal.open(place)
    assert again.chain == chain
    assert again.previous_chain == records[-2][4]
    again.append(59, 4, True, b"{}")
    assert next(read(place, 58))[3] == b"{}"


@pytest.mark.parametrize("sequence", [9, 10, 12])
def test_a_sequence_that_neither_continues_nor_replaces(place: Path, sequence: int):
    kept = create(place)
    with pytest.raises(ValueError, match="the next is 11"):
        kept.append(sequence, 1, True, b"{}")
    kept.append(11, 1, True, b"{}")


def test_any_buffer_is_a_payload_but_no_zero_byte(place: Path):
    kept = create(place)
    kept.append(11, 1, True, memoryview(b"[{}]")[1:3])
    kept.append(12, 1, True, bytearray(b"[]"))
    with pytest.raises(ValueError, match="byte 2 is zero"):
        kept.append(13, 1, True, b"{}\0")
    assert [record[3] for record in read(place, 10)] == [b"{}", b"[]"]


def test_a_record_larger_than_a_segment(place: Path):
    kept = create(place, segment_bytes=4096)
    sizes = [10, 1_000_000, 10, 3_000_000, 5000]
    for number, size in enumerate(sizes):
        kept.append(11 + number, 1, True, payload(11 + number, size))
    kept.close()
    assert Journal.open(place).sequence == 15
    assert [record[3] for record in read(place, 10)] == [
        payload(11 + number, size) for number, size in enumerate(sizes)
    ]


def test_one_writer_at_a_time(place: Path):
    kept = create(place)
    with pytest.raises(journal.JournalLockedError, match=f"process {os.getpid()}"):
        Journal.open(place)
    kept.close()
    kept.close()
    with pytest.raises(journal.JournalError, match="closed"):
        kept.append(11, 1, True, b"{}")
    Journal.open(place).close()
    with pytest.raises(FileExistsError, match="open it instead"):
        create(place)


def test_no_journal(place: Path):
    with pytest.raises(FileNotFoundError):
        Journal.open(place)
    with pytest.raises(OSError, match="list"):
        read(place, 0)
    place.mkdir()
    with pytest.raises(FileNotFoundError):
        read(place, 0)


def test_only_the_owner_may_read(place: Path):
    create(place).append(11, 1, True, b"{}")
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


def test_prune_removes_whole_segments(place: Path):
    kept = create(place, segment_bytes=4096)
    for sequence in range(11, 111):
        kept.append(sequence, 1, True, payload(sequence, 500))
    size = kept.size
    assert journal.prune(place, 50) > 0
    assert kept.size < size
    assert [record[0] for record in read(place, 49)] == list(range(50, 111))
    with pytest.raises(journal.JournalError, match="have been removed"):
        read(place, 10)
    kept.append(111, 1, True, b"{}")
    journal.prune(place, 1000)
    kept.close()
    assert Journal.open(place).sequence == 111


@pytest.mark.promise(
    "the journal is damaged",
    "the damage is named, and no damaged set is restored",
)
def test_damage_is_named(place: Path):
    kept = create(place)
    kept.append(11, 1, True, payload(11))
    kept.close()
    segment = place / f"{1:016x}.segment"
    content = bytearray(segment.read_bytes())
    content[80 + 72 + 5] ^= 1
    segment.write_bytes(content)
    with pytest.raises(journal.JournalDamagedError, match="payload") as caught:
        Journal.open(place)
    assert (caught.value.path, caught.value.offset) == (segment, 80)
    assert "payload" in caught.value.what
    with pytest.raises(journal.JournalDamagedError, match="payload"):
        list(read(place, 10))


def test_digest_of_a_file(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert journal.digest_of_file(file).hex() == empty
