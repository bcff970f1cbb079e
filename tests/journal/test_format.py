"""The program of docs/replica-format.md restores a journal without clnwire."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from clnwire.journal import Journal, chain_of, digest_of_file
from tests.docs.pages import DOCS, blocks

[PROGRAM] = blocks(DOCS / "replica-format.md", "python")
BASE = 41


def statements(choose: random.Random, sequence: int) -> list[str]:
    """Writes as the node's; texts of all lengths, with quotes and characters beyond ASCII."""
    text = "é'\"\n" * choose.randrange(1, 900)
    return [
        f"INSERT INTO channels VALUES ({sequence}, '{text.replace(chr(39), chr(39) * 2)}')",
        f"UPDATE channels SET what = 'x' WHERE id = {choose.randrange(1, sequence + 1)}",
        f"DELETE FROM channels WHERE id = {choose.randrange(1, sequence + 1)}",
    ]


def node_database(folder: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(folder / "node.sqlite3", isolation_level=None))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A generation: the node's own database beside it has all that was committed."""
    directory = tmp_path / "000001"
    directory.mkdir()
    with node_database(tmp_path) as node:
        node.execute("CREATE TABLE channels (id INTEGER PRIMARY KEY, what TEXT)")
    base = directory / f"base-{BASE}.sqlite3"
    base.write_bytes((tmp_path / "node.sqlite3").read_bytes())
    choose = random.Random(3)
    with node_database(tmp_path) as node:
        kept = Journal.create(
            directory, sequence=BASE, chain=digest_of_file(base), segment_bytes=1 << 15
        )
        for sequence in range(BASE + 1, BASE + 121):
            for is_committed in [False] * (sequence % 5 == 0) + [True]:
                writes = statements(choose, sequence)
                params = {"data_version": sequence, "writes": writes}
                kept.append(sequence, 1, True, json.dumps(params, ensure_ascii=False).encode())
                for statement in writes * is_committed:
                    node.execute(statement)
        kept.close()
    return directory


def restore(place: Path) -> subprocess.CompletedProcess[str]:
    program = place.parent / "restore.py"
    program.write_text(PROGRAM.text)
    target = place.parent / "restored.sqlite3"
    target.unlink(missing_ok=True)
    # Neither clnwire nor any other package can be imported.
    words = [sys.executable, "-I", "-S", program, place, target]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def test_it_restores_what_the_node_has_committed(place: Path):
    assert len(list(place.glob("*.segment"))) > 5
    run = restore(place)
    assert (run.stdout, run.stderr) == (f"restored up to set {BASE + 120}\n", "")
    assert dump(place.parent / "restored.sqlite3") == dump(place.parent / "node.sqlite3")


@pytest.mark.promise("the journal is damaged")
def test_it_restores_no_damaged_set(place: Path):
    segment = sorted(place.glob("*.segment"))[2]
    content = bytearray(segment.read_bytes())
    content[5000] ^= 4
    segment.write_bytes(content)
    run = restore(place)
    assert f"{segment} ends at byte" in run.stderr
    assert "KeyError" in run.stderr


def test_the_chain_is_as_specified():
    """BLAKE3 of the payload, the chain before, the sequence and the flag; with a file's digest."""
    chain = bytes(range(32))
    whole = b'{"a":1}' + chain + (258).to_bytes(8, "little") + b"\x01"
    with tempfile.NamedTemporaryFile() as file:
        file.write(whole)
        file.flush()
        digest = digest_of_file(file.name)
    assert chain_of(chain, 258, True, b'{"a":1}') == digest
