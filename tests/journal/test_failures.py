"""Syncs that fail, disks that are full, and writers that are killed."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clnwire import journal
from clnwire.journal import Journal, chain_of, read

START = bytes(range(32))
KILLS = int(os.environ.get("CLNWIRE_JOURNAL_KILLS", "20"))
SEED = int(os.environ.get("CLNWIRE_JOURNAL_SEED", "18"))

SYNC_THAT_FAILS = """
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
    const char *path = getenv("SYNCS_FAIL");
    errno = EIO;
    return path && access(path, F_OK) == 0;
}

int fdatasync(int fd) { return fails() ? (errno = EIO, -1) : 0; }
int fsync(int fd) { return fails() ? (errno = EIO, -1) : 0; }
"""

FAILING = """
import os, sys
from pathlib import Path
from clnwire import journal

def fails(sequence):
    try:
        kept.append(sequence, 1, True, b'{"n":%d}' % sequence)
    except journal.JournalFailedError as error:
        assert "Input/output error" in str(error) and str(path) in str(error), error
        return True
    return False

path, switch = Path(sys.argv[1]), Path(os.environ["SYNCS_FAIL"])
kept = journal.Journal.create(path, sequence=10, chain=bytes(32), segment_bytes=4096)
assert not fails(11)
switch.touch()
assert fails(12)
switch.unlink()
assert fails(12) and fails(13) and kept.sequence == 11
kept.close()
kept = journal.Journal.open(path, segment_bytes=4096)
assert kept.sequence == 12, "the file has it, and opening has synced it"
assert not fails(13)
kept.close()
switch.touch()
try:
    journal.Journal.open(path, segment_bytes=4096)
except OSError as error:
    assert "sync" in str(error), error
else:
    raise AssertionError("a journal whose last record cannot be synced was opened")
switch.unlink()
kept = journal.Journal.open(path, segment_bytes=4096)
text = b"x" * 3000
kept.append(14, 1, True, text)
switch.touch()
try:
    kept.append(15, 1, True, text)
except journal.JournalError:
    pass
assert kept.sequence == 14
print("done")
"""


@pytest.fixture(scope="module")
def failing_syncs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes syncs fail while the file exists that SYNCS_FAIL names."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("library")
    (folder / "syncs.c").write_text(SYNC_THAT_FAILS)
    library = folder / "syncs.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "syncs.c"], check=True)
    return library


@pytest.mark.promise(
    "a sync of the journal fails",
    "the failure is final: no later success hides it",
)
def test_a_sync_that_fails_is_final(tmp_path: Path, failing_syncs: Path):
    environment = {
        **os.environ,
        "LD_PRELOAD": str(failing_syncs),
        "SYNCS_FAIL": str(tmp_path / "fail"),
    }
    run = subprocess.run(
        [sys.executable, "-c", FAILING, tmp_path / "journal"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "done\n", run.stderr


@contextmanager
def files_up_to(size: int) -> Generator[None, None, None]:
    """No file of this process may be larger, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.promise(
    "the journal's disk is full",
    "it is said, and nothing that was acknowledged is lost",
)
def test_a_full_disk_is_announced_and_loses_nothing(tmp_path: Path):
    place, text = tmp_path / "journal", b"x" * 300_000
    with files_up_to(4 << 20):
        kept = Journal.create(place, sequence=10, chain=START)
        sequence = 10
        while kept.room > len(text) + 80:
            sequence += 1
            kept.append(sequence, 1, True, text)
        while (missing := kept.reserve_missing) is None:
            pass
        assert "no room" in missing
        for _ in range(3):
            with pytest.raises(journal.JournalFullError, match="make room"):
                kept.append(sequence + 1, 1, True, text)
        # What fits in the present segment is taken all the same.
        kept.append(sequence + 1, 1, True, b"{}")
        chain = kept.chain
    kept.append(sequence + 2, 1, True, text)
    assert kept.reserve_missing is None
    kept.close()
    assert Journal.open(place).sequence == sequence + 2
    records = list(read(place, 10))
    assert [record[0] for record in records] == list(range(11, sequence + 3))
    assert records[-2][4] == chain


def test_a_disk_that_is_full_at_the_beginning(tmp_path: Path):
    place = tmp_path / "journal"
    with files_up_to(1000), pytest.raises(journal.JournalFullError):
        Journal.create(place, sequence=10, chain=START)
    assert [path.name for path in place.iterdir()] == ["lock"]
    Journal.create(place, sequence=10, chain=START).append(11, 1, True, b"{}")


def test_a_write_that_fails_is_undone(tmp_path: Path):
    place = tmp_path / "journal"
    kept = Journal.create(place, sequence=10, chain=START, segment_bytes=1 << 16)
    kept.append(11, 1, True, b"x" * 1000)
    # The limit cuts the record in two: some of it is written, and the rest is not.
    with files_up_to(4000), pytest.raises(journal.JournalError):
        kept.append(12, 1, True, b"y" * 10_000)
    kept.close()
    kept = Journal.open(place)
    assert kept.sequence == 11
    kept.append(12, 1, True, b"z" * 100)
    assert [record[3][:1] for record in read(place, 10)] == [b"x", b"z"]


WRITER = """
import random, sys
from clnwire.journal import Journal

place, seed, durability = sys.argv[1], int(sys.argv[2]), sys.argv[3]
kept = Journal.open(place, segment_bytes=1 << 15, durability=durability)
choose = random.Random(seed)
write = sys.stdout.buffer.write
flush = sys.stdout.buffer.flush
while True:
    sequence = kept.sequence + (kept.previous_chain is None or choose.random() < 0.9)
    payload = b'{"n":%d,"x":"%s"}' % (sequence, b"x" * int(choose.paretovariate(0.9) * 50 % 60000))
    kept.append(sequence, 1, True, payload)
    write(b"%d %s\\n" % (sequence, kept.chain.hex().encode()))
    flush()
"""


@pytest.mark.promise("writers are killed at random moments", "what was acknowledged is read")
def test_writers_killed_at_random_moments(tmp_path: Path):
    """What was acknowledged is there, and at most the one set that was being written besides."""
    place, choose = tmp_path / "journal", random.Random(SEED)
    Journal.create(place, sequence=10, chain=START, segment_bytes=1 << 15).close()
    for number in range(KILLS):
        durability = ["power-loss", "process-crash"][number % 2]
        words = [sys.executable, "-c", WRITER, place, str(choose.random())[2:], durability]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            acknowledged = [writer.stdout.readline() for _ in range(choose.randrange(1, 200))]
            writer.send_signal(signal.SIGKILL)
            acknowledged += writer.stdout.readlines()
        if not acknowledged[-1].endswith(b"\n"):
            acknowledged.pop()
        sequence, chain = acknowledged[-1].split()
        with_more = Journal.open(place)
        assert with_more.sequence in {int(sequence), int(sequence) + 1}, (SEED, number)
        history = {each: chain for each, _, _, _, chain in read(place, 10)}
        assert history[with_more.sequence] == with_more.chain
        if with_more.sequence > int(sequence):
            assert history[int(sequence)].hex() == chain.decode(), (SEED, number)
        with_more.close()
    check_history(place)


def check_history(place: Path) -> None:
    chain, last = START, 10
    for sequence, _, foreign_keys, payload, after in read(place, 10):
        chain = chain_of(chain, sequence, foreign_keys, payload)
        assert (sequence, after) == (last + 1, chain)
        last = sequence


def test_reading_while_a_writer_appends(tmp_path: Path):
    place = tmp_path / "journal"
    Journal.create(place, sequence=10, chain=START, segment_bytes=1 << 15).close()
    words = [sys.executable, "-c", WRITER, place, "1", "process-crash"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        after = 10
        while after < 3000:
            line = writer.stdout.readline()
            acknowledged = int(line.split()[0])
            if acknowledged <= after:
                continue
            found = [record[0] for record in read(place, after)]
            assert found == list(range(after + 1, after + 1 + len(found)))
            assert found[-1] >= acknowledged
            # The last one may be replaced.
            after = found[-1] - 1
        writer.kill()
    check_history(place)


MEMORY = """
import resource, sys
from clnwire.journal import Journal, read

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

place, payload = sys.argv[1], b"x" * 12_000
kept = Journal.create(place, sequence=0, chain=bytes(32), durability="process-crash")
for sequence in range(1, 200):
    kept.append(sequence, 1, True, payload)
for record in read(place, 0):
    pass
before = peak()
for sequence in range(200, 6000):
    kept.append(sequence, 1, True, payload)
for record in read(place, 0):
    pass
kept.close()
assert Journal.open(place).sequence == 5999
print(peak() - before)
"""


def test_memory_does_not_grow(tmp_path: Path):
    words = [sys.executable, "-c", MEMORY, tmp_path / "journal"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 4096, "kB, for 70 MB of records"
