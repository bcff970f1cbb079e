"""A run with real plugins: one that is right, and one that dies half-way."""

from __future__ import annotations

import sys

import pytest
from benches.suite.cases import Case, cases, probes, round_trip, skipped
from benches.suite.peers import Built, Peer, cargo_build, floor
from benches.suite.results import FLOOR
from benches.suite.running import Extent, run, taking_part

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux, as the load generator does"
)

# Answers in its first two lives, which it counts in a file, and dies in the third.
MORTAL = """
import os, sys
lives = os.open(sys.argv[1], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
os.write(lives, b".")
if os.fstat(lives).st_size > 2:
    sys.exit(7)
sys.path.insert(0, sys.argv[2])
import bare_python
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    (folder / "mortal.py").write_text(MORTAL)
    sources = str(cargo_build("floor").parents[3] / "benches" / "peers")
    command = [sys.executable, folder / "mortal.py", folder / "lives", sources]
    mortal = Peer("mortal", "1", {"writes": command})
    built = Built([floor(), mortal], {"other": "not here"}, busy=2.5)
    wanted = [case for case in cases() if case.name in (round_trip("0.4 kB"), "method", "start")]
    return run(built, wanted, {"recorded": "no recording"}, Extent(rounds=3, seconds=0.05))


def test_each_takes_part_in_what_it_has_a_plugin_for(report):
    assert set(report.cases) == {round_trip("0.4 kB"), "method", "start"}
    for outcome in report.cases.values():
        assert outcome.figures[FLOOR].messages > 0
    assert report.cases["method"].died == {}
    assert report.peers == {FLOOR: "0", "mortal": "1"}


def test_one_that_died_in_any_round_has_no_figures(report):
    outcome = report.cases[round_trip("0.4 kB")]
    assert set(outcome.figures) == {FLOOR}
    assert outcome.died == {"mortal": "the plugin died (exit status: 7): it closed its stdout"}


def test_legal_messages_are_tried_on_all_that_take_them(report):
    assert set(report.legal) == {probe.name for probe in probes()}
    assert report.legal["a blank line inside an object"] == {FLOOR: ""}
    before = report.legal["db_write before init"]
    assert before[FLOOR] == ""
    assert before["mortal"].startswith("the plugin died (exit status: 7)")


def test_what_is_absent_or_skipped_is_kept(report):
    assert report.absent == {"other": "not here"}
    assert report.skipped == {"recorded": "no recording"}
    assert (report.method.rounds, report.method.load) == (3, 2.5)
    assert report.machine.cores > 0


def test_without_the_recording_its_case_is_skipped(monkeypatch, tmp_path):
    monkeypatch.setenv("CLNWIRE_SHARED", str(tmp_path))
    assert list(skipped()) == ["recorded db_writes"]
    assert "recorded db_writes" not in {case.name for case in cases()}


def test_cases_have_names_of_their_own():
    names = [case.name for case in [*cases(), *probes()]]
    assert len(names) == len(set(names))


def test_who_has_no_such_plugin_does_not_take_part():
    peers = [Peer("a", "1", {"writes": []}), Peer("b", "1", {"writes": [], "node": []})]
    assert [peer.name for peer in taking_part(peers, Case("c", "node", dict))] == ["b"]
