"""What can be watched of a replica."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from clnwire.replica import metrics
from clnwire.replica.housekeeping import Compaction, Housekeeping
from clnwire.replica.keeper import Keeper
from clnwire.replica.metrics import Verified
from tests.replica.nodes import add
from tests.replica.test_keeper import MiniNode, coins, node

__all__ = ["coins", "node"]


def test_both_files(coins: MiniNode) -> None:
    coins.commit(add(2))
    assert coins.keeper is not None
    settings, path = coins.settings, coins.folder / "clnwire-replica.toml"
    metrics.write_verified(coins.folder, Verified(7.0, 2, True))
    keeping = Housekeeping(path, settings, coins.keeper, lambda *_: None)
    keeping.end()
    text = settings.metrics.read_text()
    labels = f'{{node="alice",engine="file:{coins.replica}"}}'
    for name, value in {"version": "2.0", "sets_total": "2.0", "verified_same": "1.0"}.items():
        assert f"\nclnwire_replica_{name}{labels} {value}\n" in text
    assert all(re.fullmatch(r"# (HELP|TYPE) .+|\w+\{.+\} \S+", line) for line in text.splitlines())
    status = metrics.read_status(settings)
    assert status is not None
    assert (status.version, status.epoch, status.generation) == (2, 1, 1)
    assert status.base_created > time.time() - 100
    assert status.verified == Verified(7.0, 2, True)


def test_the_bytes_since_the_base_are_counted_on(coins: MiniNode) -> None:
    coins.commit(add(2))
    assert coins.keeper is not None
    before = coins.keeper.status.bytes_since_base
    metrics.write(coins.keeper.status, coins.settings)
    coins.end()
    coins.commit(add(3))
    assert coins.keeper.status.bytes_since_base > before
    assert coins.keeper.status.base_sequence == 0


def test_a_slow_start_counts_on_too(coins: MiniNode) -> None:
    """The figures are written while the start may still wait for the engine."""
    coins.commit(add(2))
    assert coins.keeper is not None
    before = coins.keeper.status.bytes_since_base
    metrics.write(coins.keeper.status, coins.settings)
    coins.end()
    coins.keeper = Keeper(coins.settings, coins.folder, lambda *_: None)
    metrics.write(coins.keeper.status, coins.settings)
    coins.commit(add(3))
    assert coins.keeper.status.bytes_since_base > before


def test_the_figures_are_there_soon(coins: MiniNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clnwire.replica.housekeeping._FIRST_SECONDS", 0.01)
    coins.commit(add(2))
    assert coins.keeper is not None
    path = coins.folder / "clnwire-replica.toml"
    keeping = Housekeeping(path, coins.settings, coins.keeper, lambda *_: None)
    while metrics.read_status(coins.settings) is None:
        time.sleep(0.01)
    keeping.end()


def test_files_that_cannot_be_written_are_a_warning(coins: MiniNode) -> None:
    coins.more["metrics"] = str(coins.folder / "none" / "metrics")
    logged: list[str] = []
    keeper = Keeper(coins.settings, coins.folder, print)
    path = coins.folder / "clnwire-replica.toml"
    keeping = Housekeeping(path, coins.settings, keeper, lambda _, text: logged.append(text))
    keeping.end()
    assert "cannot be written" in logged[0]
    assert metrics.read_status(coins.settings) is None


def test_a_warning_is_logged_once(coins: MiniNode, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    coins.commit(add(2))
    assert coins.keeper is not None
    monkeypatch.setattr(coins.keeper, "warning", lambda: "the disk gets full")
    path = coins.folder / "clnwire-replica.toml"
    keeping = Housekeeping(
        path, coins.settings, coins.keeper, lambda level, text: logged.append(f"{level}: {text}")
    )
    keeping.write_metrics()
    keeping.end()
    assert logged == ["broken: the disk gets full"]
    status = metrics.read_status(coins.settings)
    assert status is not None
    assert status.warning == "the disk gets full"


class TestCompaction:
    """A process makes a new base when the log has grown."""

    @pytest.fixture
    def logged(self) -> list[str]:
        return []

    @pytest.fixture
    def compaction(self, coins: MiniNode, logged: list[str]) -> Compaction:
        coins.more["snapshot-interval"] = "1 KiB"
        coins.commit(add(2))
        assert coins.keeper is not None
        path = coins.folder / "clnwire-replica.toml"
        compaction = Compaction(
            path, coins.settings, coins.keeper.status, lambda _, text: logged.append(text)
        )
        compaction.look()
        assert compaction.process is None
        coins.keeper.status.bytes_since_base = 5000
        return compaction

    def end(self, compaction: Compaction, code: str) -> None:
        compaction.command = [sys.executable, "-c", code]
        compaction.look()
        process = compaction.process
        assert isinstance(process, subprocess.Popen)
        process.wait()
        compaction.look()

    def test_the_base_is_noted(
        self, coins: MiniNode, compaction: Compaction, logged: list[str]
    ) -> None:
        assert coins.keeper is not None
        self.end(compaction, "import os; assert os.environ['CLNWIRE_REPLICA_SETTINGS']")
        assert coins.keeper.status.bytes_since_base == 0
        assert "a new base at version 0" in logged[-1]

    def test_a_failure_is_told_and_not_repeated_at_once(
        self, compaction: Compaction, logged: list[str]
    ) -> None:
        self.end(compaction, "raise SystemExit('the disk is full')")
        assert "the disk is full" in logged[-1]
        compaction.look()
        assert compaction.process is None
