"""The server, the plugin and the node are killed at random moments: nothing acknowledged is lost.

Runs 20 rounds. CLNWIRE_SERVER_KILLS sets another number and CLNWIRE_SEED a seed, which is printed.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import pytest

import clnwire.replica.housekeeping
import clnwire.replica.keeper
import clnwire.replica.plugin  # noqa: F401 - forks need not import them.
from clnwire.replica.digest import digest_of
from clnwire.replica.settings import load
from tests.replica.begun import an_engine, eventually
from tests.replica.postgres import Server
from tests.replica.test_keeper import restore
from tests.replica.test_kills import committed
from tests.replica.victims import Victim

ROUNDS = int(os.environ.get("CLNWIRE_SERVER_KILLS", "20"))
SEED = int(os.environ.get("CLNWIRE_SEED", "18"))

pytestmark = pytest.mark.process


@pytest.mark.promise("plugin and node are killed at random moments")
@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_kills_at_random_moments(own_server: Server, node: str, tmp_path: Path) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    luck = Random(SEED)
    own_server.start()
    folder = tmp_path / "node"
    folder.mkdir()
    text = f'engine = "{own_server.url}"\nnode = "{node}"\npatience = 60\n'
    (folder / "clnwire-replica.toml").write_text(text)
    settings = load(folder / "clnwire-replica.toml")
    outcomes = {"uncommitted": 0, "went on": 0}
    last = 0
    for number in range(1, ROUNDS + 1):
        victim = Victim(folder, luck)
        victim.wait_for_commit()
        time.sleep(luck.random() ** 2 * 0.05)
        server_ends = luck.random() < 0.5
        if server_ends:
            own_server.kill()
        if server_ends and luck.random() < 0.7:
            # The node waits, and goes on.
            own_server.start()
            victim.skip_commits()
            victim.wait_for_commit()
            outcomes["went on"] += 1
        both = [victim.plugin, victim.node]
        if own_server.processes():
            victim.kill(*luck.choice([[victim.node], [victim.plugin], both]))
        else:
            # A plugin alone would wait for the server until its patience is over.
            victim.kill(*both)
            own_server.start()
        version = committed(folder)
        assert version > last
        last = version
        engine = an_engine(own_server.url, node)
        head = eventually(engine.head)
        engine.close()
        assert head is not None
        # What the node has committed was stored before; at most one set more is.
        assert version <= head.sequence <= version + 1, f"seed {SEED}, round {number}"
        outcomes["uncommitted"] += head.sequence == version + 1
        if number % 10 == 0:
            restored = tmp_path / f"restored{number}"
            restore(settings, restored, version)
            difference = digest_of(restored).difference(digest_of(folder / "lightningd.sqlite3"))
            assert difference is None, f"seed {SEED}, round {number}"
            restored.unlink()
    print(f"version {last}, {outcomes}")
