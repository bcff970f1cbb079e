"""The plugin and the node are killed at random moments: nothing acknowledged is lost.

Runs 50 kills. CLNWIRE_KILLS sets another number and CLNWIRE_SEED a seed, which is printed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

import clnwire.replica.housekeeping
import clnwire.replica.keeper
import clnwire.replica.plugin  # noqa: F401 - forks need not import them.
from clnwire.replica.digest import digest_of
from clnwire.replica.engines.local import make_directory
from clnwire.replica.opening import open_engine
from clnwire.replica.settings import load
from tests.replica.test_keeper import restore
from tests.replica.victims import Victim, version_of

KILLS = int(os.environ.get("CLNWIRE_KILLS", "50"))
SEED = int(os.environ.get("CLNWIRE_SEED", "18"))
CHECK_EVERY = 10

pytestmark = pytest.mark.process


def committed(folder: Path) -> int:
    """The version of the node's database, after SQLite has repaired it."""
    path = folder / "lightningd.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return version_of(database)


@pytest.fixture
def quick() -> Iterator[Path]:
    """A folder in memory, where syncing takes no time. A kill loses nothing there."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.promise(
    "plugin and node are killed at random moments",
    "no committed state is missing from the replica",
)
@pytest.mark.timeout(60 + 5 * KILLS)
def test_kills_at_random_moments(quick: Path) -> None:
    print(f"seed {SEED}, {KILLS} kills")
    luck = Random(SEED)
    folder = quick / "node"
    folder.mkdir()
    make_directory(quick / "copy")
    text = f'engine = "file:{quick}/copy"\nnode = "alice"\nsurvives = "process-crash"\n'
    (folder / "clnwire-replica.toml").write_text(text)
    settings = load(folder / "clnwire-replica.toml")
    outcomes = {"uncommitted": 0, "killed before a set": 0}
    last = 0
    for kill in range(1, KILLS + 1):
        victim = Victim(folder, luck)
        if luck.random() < 0.8:
            victim.wait_for_commit()
        time.sleep(luck.random() ** 2 * 0.03)
        victim.kill(*luck.choice([[victim.node], [victim.plugin], [victim.plugin, victim.node]]))
        version = committed(folder)
        assert version >= last
        outcomes["killed before a set"] += version == last
        last = version
        engine = open_engine(settings, writes=False)
        head = engine.head()
        engine.close()
        stored = 0 if head is None else head.sequence
        # What the node has committed was stored before; at most one set more is.
        assert version <= stored <= version + 1, f"seed {SEED}, kill {kill}"
        outcomes["uncommitted"] += stored == version + 1
        if kill % CHECK_EVERY == 0 and version:
            restored = quick / f"restored{kill}"
            restore(settings, restored, version)
            difference = digest_of(restored).difference(digest_of(folder / "lightningd.sqlite3"))
            assert difference is None, f"seed {SEED}, kill {kill}"
            restored.unlink()
    print(f"version {last}, {outcomes}")
    assert last > KILLS // 2
    assert KILLS < 50 or all(outcomes.values())
