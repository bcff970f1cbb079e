"""Measures: peers take turns in each case of each round, on one core with the load generator."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clnwire.bench.load import Figures, Job, LoadError, measure, medians
from clnwire.bench.load.messages import init
from clnwire.bench.load.running import daemon_folder

from .cases import Case, probes
from .machine import machine
from .results import Method, Outcome, Results

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .peers import Built, Peer

PATIENCE = 5.0
"""The seconds of silence after which a plugin is given up; the slowest message takes about 10
ms."""


@dataclass(frozen=True)
class Extent:
    """How long to measure."""

    rounds: int
    seconds: float


FULL = Extent(rounds=7, seconds=0.5)
QUICK = Extent(rounds=1, seconds=0.05)


def run(built: Built, cases: Sequence[Case], skipped: dict[str, str], extent: Extent) -> Results:
    """Measures all rounds, and tries the legal messages."""
    bench = Bench(last_core(), extent.seconds)
    rows: dict[str, dict[str, list[Figures]]] = {case.name: {} for case in cases}
    died: dict[str, dict[str, str]] = {case.name: {} for case in cases}
    for number in range(1, extent.rounds + 1):
        print(f"round {number} of {extent.rounds}", file=sys.stderr)
        for case in cases:
            for peer in taking_part(built.peers, case):
                if peer.name in died[case.name]:
                    continue
                try:
                    found = [bench.measure(peer, case) for _ in range(case.repeats)]
                    rows[case.name].setdefault(peer.name, []).extend(found)
                except LoadError as error:
                    died[case.name][peer.name] = str(error)
    return Results(
        machine=machine(),
        method=Method(
            rounds=extent.rounds, seconds=extent.seconds, core=bench.core, load=built.busy
        ),
        peers={peer.name: peer.version for peer in built.peers},
        absent=built.absent,
        cases={name: outcome(rows[name], died[name]) for name in rows},
        skipped=skipped,
        legal={probe.name: find_out(bench, built.peers, probe) for probe in probes()},
    )


def outcome(rows: dict[str, list[Figures]], died: dict[str, str]) -> Outcome:
    """The outcome of a case. A peer that died in any round has no figures."""
    alive = {name: medians(found) for name, found in rows.items() if name not in died}
    return Outcome(figures=alive, died=died)


def taking_part(peers: Iterable[Peer], case: Case) -> list[Peer]:
    return [peer for peer in peers if case.plugin in peer.plugins]


def find_out(bench: Bench, peers: Iterable[Peer], probe: Case) -> dict[str, str]:
    """Peer → how it failed; an empty text if it did not."""
    found = {}
    for peer in taking_part(peers, probe):
        try:
            bench.measure(peer, probe)
            found[peer.name] = ""
        except LoadError as error:
            found[peer.name] = str(error)
    return found


def last_core() -> int:
    """The core for all measurements. The first cores also serve interrupts."""
    return max(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Bench:
    """The load generator with this run's settings."""

    core: int
    seconds: float

    def measure(self, peer: Peer, case: Case) -> Figures:
        """Measures once. Raises `LoadError` if the plugin dies or answers wrongly."""
        with daemon_folder() as folder:
            job = Job(
                command=[str(word) for word in peer.plugins[case.plugin]],
                init=init(str(folder)),
                core=self.core,
                seconds=self.seconds,
                patience=PATIENCE,
                **case.settings(),
            )
            return measure(job).all_figures()
