"""Measures handlers that may wait: the cost of the event loop, of `async def` and of a thread.

    python benches/waiting.py [--quick] [--save benches/results/NAME.json]

Each form of the plugin gets the same `db_write` of 2.4 kB, in turn, as in the suite. Then each gets
a million notifications as fast as it reads them, while its memory is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from peer import PEERS, Peer
from suite import payloads, peers
from suite.cases import Case, round_trip
from suite.machine import machine
from suite.running import Bench, last_core

PLUGIN = "clnwire_waiting.py"
FORMS = {
    "plain": "plain function, blocking driver",
    "beside-asyncio": "plain function, asyncio",
    "beside-uvloop": "plain function, uvloop",
    "async-asyncio": "async def, asyncio",
    "async-uvloop": "async def, uvloop",
    "thread": "thread=True, blocking driver",
}
WRITE = Case(round_trip("2.4 kB"), "writes", partial(payloads.db_write, 2400))
FLOOD = json.dumps({"jsonrpc": "2.0", "method": "flood", "params": {"flood": {"text": "x" * 300}}})


def round_trips(rounds: int, seconds: float) -> dict[str, float]:
    """Form → the median of the rounds' medians, in µs."""
    bench = Bench(last_core(), seconds)
    command = [sys.executable, PEERS / PLUGIN]
    medians: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form, row in medians.items():
            os.environ["CLNWIRE_BENCH_FORM"] = form
            row.append(bench.measure(peers.Peer(form, "", {"writes": command}), WRITE).p50_us)
    return {form: round(statistics.median(row), 2) for form, row in medians.items()}


class Flooded(Peer):
    """A form of the plugin for the flood of notifications."""

    def __init__(self, form: str) -> None:
        os.environ["CLNWIRE_BENCH_FORM"] = form
        super().__init__(PLUGIN)

    def seen(self) -> int:
        """The number of notifications that the plugin has handled."""
        self.write(b'{"jsonrpc":"2.0","method":"report","params":{}}')
        return int(self.message()["params"]["message"])


def resident(pid: int) -> int:
    """The process's resident memory in bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def flood(form: str, count: int) -> dict[str, float]:
    """The seconds for `count` notifications, and the growth of memory in MB meanwhile."""
    plugin = Flooded(form)
    batch = (FLOOD + "\n\n").encode() * 1000
    plugin.write(batch)
    before = most = resident(plugin.process.pid)
    started = time.perf_counter()
    for _ in range(count // 1000 - 1):
        plugin.write(batch)
        most = max(most, resident(plugin.process.pid))
    while plugin.seen() < count:
        time.sleep(0.005)
    seconds = time.perf_counter() - started
    most = max(most, resident(plugin.process.pid))
    plugin.close()
    return {"seconds": round(seconds, 2), "grown_mb": round((most - before) / 1e6, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures handlers that may wait.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--save", type=Path, help="file for the results, as JSON")
    arguments = parser.parse_args()
    trips = round_trips(1, 0.05) if arguments.quick else round_trips(5, 0.5)
    os.sched_setaffinity(0, {last_core()})
    count = 5_000 if arguments.quick else 1_000_000
    floods = {form: flood(form, count) for form in FORMS}
    for form, what in FORMS.items():
        print(f"{what:32}{trips[form]:>8.1f} µs  {floods[form]}")
    if arguments.save:
        report = {
            "machine": msgspec.to_builtins(machine()),
            "round_trip_us": trips,
            "flood": floods,
        }
        arguments.save.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
