"""Measures a `db_write` plugin that keeps each set in a journal, against one that only continues.

    python -m benches.journal [--quick] [--directory DIRECTORY] [--save benches/results/NAME.json]

The load generator sends sets of 2.4 kB. Round trips are measured with both processes on one core,
and the plugin's CPU time over a whole run, from which that of its start is taken. The replica of
`examples/replica.py`, which executes the sets on SQLite and syncs two files, is `clnwire demo`'s.
`cargo bench -p clnwire-journal` compares appending alone with a floor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec

from clnwire.bench.load import Job, measure
from clnwire.bench.load.messages import init
from clnwire.bench.load.running import daemon_folder

from .suite.machine import machine
from .suite.payloads import db_write
from .suite.running import last_core

PLUGIN = [sys.executable, str(Path(__file__).parent / "peers" / "clnwire_journal.py")]
FORMS = ("continue", "process-crash", "power-loss")


def run(form: str, directory: Path, count: int, size: int) -> tuple[float, float]:
    """Runs the plugin from start to end: the median round trip, and its CPU time, in µs."""
    journal = directory / "journal"
    os.environ["CLNWIRE_BENCH_FORM"] = form
    os.environ["CLNWIRE_BENCH_JOURNAL"] = str(journal)
    before = _cpu_of_children()
    with daemon_folder() as folder:
        job = Job(
            command=PLUGIN,
            init=init(str(folder)),
            count=count,
            warm_up=0,
            seconds=120,
            core=last_core(),
            **db_write(size),
        )
        figures = measure(job).all_figures()
    shutil.rmtree(journal, ignore_errors=True)
    return figures.p50_us, _cpu_of_children() - before


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures a plugin with a journal.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--directory", type=Path, help="a folder on the disk to be measured")
    parser.add_argument("--save", type=Path, help="file for the results, as JSON")
    arguments = parser.parse_args()
    rounds, counts = (1, (50, 100)) if arguments.quick else (5, (500, 10_500))
    report: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        rows: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
        for _ in range(rounds):
            for form, row in rows.items():
                # What both runs have in common, such as the start, is in neither's difference.
                few, many = (run(form, Path(name), count, 2400) for count in counts)
                row.append((many[0], (many[1] - few[1]) / (counts[1] - counts[0])))
        for form, row in rows.items():
            trip, cpu = (statistics.median(column) for column in zip(*row, strict=True))
            report[form] = {"round_trip_us": round(trip, 2), "cpu_us_with_load": round(cpu, 2)}
    for form, (trip, cpu) in ((form, figures.values()) for form, figures in report.items()):
        print(f"{form:16}{trip:>8.1f} µs  {cpu:>8.1f} µs CPU")
    if arguments.save:
        found = {"machine": msgspec.to_builtins(machine()), "forms": report}
        arguments.save.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
