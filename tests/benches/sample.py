"""Results as a run leaves them, made up so that each figure can be told from the others."""

from __future__ import annotations

from benches.suite.cases import (
    BEYOND_ASCII,
    ESCAPES,
    FLOOD,
    METHOD,
    START,
    round_trip,
    round_trip_with,
    window,
)
from benches.suite.results import Machine, Method, Outcome, Results

from clnwire.bench.load import Figures

CASES = [
    *(round_trip(size) for size in ("0.4 kB", "2.4 kB", "12 kB", "1 MB")),
    *(
        round_trip_with(size, form)
        for size in ("0.4 kB", "2.4 kB", "12 kB", "1 MB")
        for form in (ESCAPES, BEYOND_ASCII)
    ),
    *(window(size) for size in ("0.4 kB", "2.4 kB")),
    FLOOD,
    METHOD,
    START,
]


def figures(microseconds: float) -> Figures:
    """Those of a peer that takes so long for everything."""
    return Figures(
        p50_us=microseconds,
        p90_us=microseconds,
        p99_us=microseconds,
        p999_us=microseconds * 2,
        messages_per_second=1e6 / microseconds,
        megabytes_per_second=400 / microseconds,
        processor_us=microseconds / 2,
        manifest_ms=microseconds,
        idle_memory_kb=microseconds * 1000,
        peak_memory_kb=microseconds * 1000,
        messages=1000,
    )


def results(**microseconds: float) -> Results:
    """What each peer takes; `_` stands for `-`."""
    peers = {name.replace("_", "-"): value for name, value in microseconds.items()}
    return Results(
        machine=Machine(
            cpu="Intel(R) Xeon(R) CPU @ 2.20GHz",
            system="Linux",
            cores=2,
            python="3.11.7",
            rust="1.95.0",
            date="2026-11-25",
            commit="abcdef0",
        ),
        method=Method(rounds=7, seconds=0.5, core=1),
        peers=dict.fromkeys(peers, "1.2.3"),
        absent={"glightning": "no module"},
        cases={
            case: Outcome(figures={peer: figures(value) for peer, value in peers.items()})
            for case in CASES
        },
        skipped={},
        legal={"a blank line": dict.fromkeys(peers, "")},
    )
