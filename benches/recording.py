"""Measures what `clnwire record` adds to a `db_write`: a plugin with and without it, in turn.

    python -m benches.recording [--quick] [--save benches/results/NAME.json]

The load generator sends the requests and checks every answer. One run uses all cores. The other
keeps all processes on one core, so that its figure includes the writing of the capture. At the end
the messages in the capture are counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TypeAlias

import msgspec

from clnwire.bench.load import Figures, Job, measure
from clnwire.bench.load.messages import init
from clnwire.bench.load.running import daemon_folder

from .suite.cases import SIZES
from .suite.machine import machine
from .suite.payloads import db_write
from .suite.running import last_core

PLUGIN = [sys.executable, str(Path(__file__).parent / "peers" / "clnwire_db_write.py")]
FORMS = ("direct", "recorded")
OTHERS = 2
"""The requests besides `db_write`: `getmanifest` and `init`."""


class Recorded:
    """Measures with the load generator, on one core or on all."""

    def __init__(self, folder: Path, count: int, core: int | None) -> None:
        self._count, self._core = count, core
        self._capture = folder / "capture.gz"

    def run(self, form: str, size: int) -> Figures:
        """Runs one plugin from start to end. Each of its messages must be in the capture."""
        count = max(10, self._count * 2400 // max(size, 2400))
        warm_up = count // 10 + 1
        with daemon_folder() as folder:
            job = Job(
                command=[*self._before(form), *PLUGIN],
                init=init(str(folder)),
                count=count,
                warm_up=warm_up,
                seconds=60,
                core=self._core,
                **db_write(size),
            )
            figures = measure(job).all_figures()
        if form == "recorded":
            check(self._capture, 2 * (OTHERS + warm_up + count))
        return figures

    def _before(self, form: str) -> list[str]:
        if form != "recorded":
            return []
        record = [sys.executable, "-m", "clnwire", "record", "--force"]
        return [*record, "-o", str(self._capture), "--"]


def check(capture: Path, count: int) -> None:
    lines = gzip.decompress(capture.read_bytes()).splitlines()
    assert len(lines) == count, (len(lines), count)
    assert all("frame" in json.loads(line) for line in lines)


Medians: TypeAlias = dict[str, dict[str, float]]
"""Form → size → the median round trip in µs."""
Starts: TypeAlias = dict[str, float]
"""Form → the time from exec to manifest in ms."""


def compare(recorded: Recorded, rounds: int) -> tuple[Medians, Starts]:
    medians: Medians = {form: {} for form in FORMS}
    starts: dict[str, list[float]] = {form: [] for form in FORMS}
    for name, size in SIZES.items():
        rows: dict[str, list[float]] = {form: [] for form in FORMS}
        for _ in range(rounds):
            for form, row in rows.items():
                run = recorded.run(form, size)
                row.append(run.p50_us)
                starts[form].append(run.manifest_ms)
        for form, row in rows.items():
            medians[form][name] = round(statistics.median(row), 2)
    return medians, {form: round(statistics.median(found), 1) for form, found in starts.items()}


def show(where: str, medians: Medians, starts: Starts) -> None:
    print(where)
    for form, row in medians.items():
        figures = "".join(f"{size:>8}: {value:8.1f} µs" for size, value in row.items())
        print(f"  {form:10}{figures}, from exec to manifest {starts[form]} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the cost of recording.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--save", type=Path, help="file for the results, as JSON")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        sys.exit("the load generator needs Linux")
    rounds, count = (1, 50) if arguments.quick else (5, 5000)
    report: dict[str, object] = {"machine": msgspec.to_builtins(machine())}
    with tempfile.TemporaryDirectory(prefix="clnwire-bench-") as name:
        for where, core in (("all cores", None), ("one core", last_core())):
            medians, starts = compare(Recorded(Path(name), count, core), rounds)
            show(where, medians, starts)
            key = where.replace(" ", "_")
            report |= {f"{key}_us": medians, f"{key}_start_ms": starts}
    if arguments.save:
        arguments.save.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
