"""The plugin and the node are killed at random moments, also while the store's answers are lost.

Nothing acknowledged is lost. Runs 20 rounds. CLNWIRE_STORE_KILLS sets another number and
CLNWIRE_SEED a seed, which is printed.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("obstore", reason="needs the extra: replica")
pytest.importorskip("psycopg", reason="needs the extra: replica")

import clnwire.replica.engines.s3
import clnwire.replica.housekeeping
import clnwire.replica.keeper
import clnwire.replica.plugin  # noqa: F401 - forks need not import them.
from clnwire.replica.digest import digest_of
from clnwire.replica.opening import open_engine
from clnwire.replica.settings import ReplicaSettings, load
from tests.replica.s3 import Store, StoreProxy, credentials
from tests.replica.test_keeper import restore
from tests.replica.test_kills import committed
from tests.replica.victims import Victim, fork

ROUNDS = int(os.environ.get("CLNWIRE_STORE_KILLS", "20"))
SEED = int(os.environ.get("CLNWIRE_SEED", "18"))

pytestmark = pytest.mark.process


@pytest.mark.promise("plugin and node are killed at random moments")
@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_kills_at_random_moments(store: Store, node: str, tmp_path: Path) -> None:
    # A process that has used obstore cannot fork one that does, and this one may have.
    context = multiprocessing.get_context("spawn")
    rounds = context.Process(target=run_rounds, args=(store.port, node, tmp_path))
    rounds.start()
    rounds.join()
    assert rounds.exitcode == 0


def run_rounds(port: int, node: str, folder: Path) -> None:
    """Kills and checks, in a process that uses no engine itself."""
    print(f"seed {SEED}, {ROUNDS} rounds")
    luck, proxy = Random(SEED), StoreProxy("127.0.0.1", port)
    (folder / "node").mkdir()
    (folder / "node" / "clnwire-replica.toml").write_text(
        f'engine = "{proxy.url}"\nnode = "{node}"\npatience = 60\n'
        f'credentials-file = "{credentials(folder)}"\n'
    )
    settings = load(folder / "node" / "clnwire-replica.toml")
    last, went_on = 0, 0
    for number in range(1, ROUNDS + 1):
        proxy.mode = "pass"
        victim = Victim(folder / "node", luck)
        victim.wait_for_commit()
        time.sleep(luck.random() ** 2 * 0.05)
        if luck.random() < 0.5:
            # What is sent from now on is stored, and nobody says so.
            proxy.mode = "swallow"
            time.sleep(luck.random() * 0.02)
            if luck.random() < 0.7:
                proxy.mode = "pass"
                victim.skip_commits()
                victim.wait_for_commit()
                went_on += 1
        both = [victim.plugin, victim.node]
        # Without the store, a plugin alone would wait until its patience is over.
        choices = [[victim.node], [victim.plugin], both] if proxy.mode == "pass" else [both]
        victim.kill(*luck.choice(choices))
        proxy.mode = "pass"
        version = committed(folder / "node")
        assert version > last
        last = version
        found = fork(lambda number=number, version=version: check(settings, number, version))
        assert os.waitpid(found, 0)[1] == 0, f"seed {SEED}, round {number}"
    print(f"version {last}, went on {went_on}")


def check(settings: ReplicaSettings, number: int, version: int) -> None:
    """Checks that the replica has what the node has committed, and at most one set more."""
    engine = open_engine(settings, writes=False)
    head = engine.head()
    engine.close()
    assert head is not None
    assert version <= head.sequence <= version + 1
    if number % 10 == 0:
        restored = settings.database.with_name(f"restored{number}")
        restore(settings, restored, version)
        assert digest_of(restored).difference(digest_of(settings.database)) is None
