"""Measures: peers take turns in each case of each round, on one core with the load generator."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from .cases import Case, probes
from .machine import machine
from .results import Figures, Method, Outcome, Results, medians

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .peers import Built, Peer

PATIENCE = 5.0
"""Seconds of silence after which a plugin is given up: the slowest message takes some 10 ms."""


@dataclass(frozen=True)
class Extent:
    """How long to measure."""

    rounds: int
    seconds: float


FULL = Extent(rounds=7, seconds=0.5)
QUICK = Extent(rounds=1, seconds=0.05)


class DiedError(Exception):
    """The plugin died, or gave a wrong answer."""


class Run(msgspec.Struct):
    """What the load generator prints."""

    messages: int
    latency_us: dict[str, float]
    messages_per_second: float
    megabytes_per_second: float
    processor_us_per_message: float
    exec_to_manifest_ms: float
    idle_peak_memory_kb: int
    peak_memory_kb: int

    def figures(self) -> Figures:
        return Figures(
            p50_us=self.latency_us["p50"],
            p90_us=self.latency_us["p90"],
            p99_us=self.latency_us["p99"],
            p999_us=self.latency_us["p99.9"],
            messages_per_second=self.messages_per_second,
            megabytes_per_second=self.megabytes_per_second,
            processor_us=self.processor_us_per_message,
            manifest_ms=self.exec_to_manifest_ms,
            idle_memory_kb=self.idle_peak_memory_kb,
            peak_memory_kb=self.peak_memory_kb,
            messages=self.messages,
        )


def run(built: Built, cases: Sequence[Case], skipped: dict[str, str], extent: Extent) -> Results:
    """All rounds, and the legal messages."""
    bench = Bench(built.load, last_core(), extent.seconds)
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
                except DiedError as error:
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
    """One that died has no figures, even if it lived in an earlier round."""
    alive = {name: medians(found) for name, found in rows.items() if name not in died}
    return Outcome(figures=alive, died=died)


def taking_part(peers: Iterable[Peer], case: Case) -> list[Peer]:
    return [peer for peer in peers if case.plugin in peer.plugins]


def find_out(bench: Bench, peers: Iterable[Peer], probe: Case) -> dict[str, str]:
    """Peer → how it failed, or an empty text."""
    found = {}
    for peer in taking_part(peers, probe):
        try:
            bench.measure(peer, probe)
            found[peer.name] = ""
        except DiedError as error:
            found[peer.name] = str(error)
    return found


def last_core() -> int:
    """The one that everything is measured on: the first ones serve interrupts."""
    return max(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Bench:
    """The load generator, ready to measure."""

    load: Path
    core: int
    seconds: float

    def measure(self, peer: Peer, case: Case) -> Figures:
        """One run.

        Raises DiedError if the plugin dies or answers wrongly.
        """
        limits = ["--seconds", str(self.seconds), "--patience", str(PATIENCE)]
        if "--count" not in case.arguments:
            limits += ["--count", "1000000000", "--warm-up", "2000"]
        command: list[str | Path] = [
            self.load,
            "--core",
            str(self.core),
            *limits,
            *case.arguments,
            "--",
        ]
        command += peer.plugins[case.plugin]
        # The load generator gives a silent plugin up by itself.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DiedError(reason(done.stderr))
        return msgspec.json.decode(done.stdout, type=Run).figures()


def reason(stderr: str) -> str:
    """The load generator's own line: the plugin writes to the same stderr."""
    lines = [line for line in stderr.splitlines() if line.startswith("load: ")]
    return lines[-1].removeprefix("load: ") if lines else "the load generator died"
