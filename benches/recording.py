"""What `clnwire record` adds to a `db_write`: the same plugin with and without it, in turn.

    python benches/recording.py [--quick] [--save benches/results/NAME.json]

As in `round_trip.py`; once with all processes on one core, where the writing of the capture is part
of the figure, and once on all cores. What is recorded is counted in the end.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from round_trip import Peer, machine

RECORD = [sys.executable, "-m", "clnwire", "record", "-o"]
SIZES = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000, "1 MB": 1_000_000}
FORMS = ("direct", "recorded")


def start(form: str, capture: Path) -> Peer:
    before = [*RECORD, str(capture), "--force", "--"] if form == "recorded" else []
    return Peer("clnwire_db_write.py", before)


def round_trips(folder: Path, rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Form → size → the median round's median, in µs."""
    medians: dict[str, dict[str, float]] = {form: {} for form in FORMS}
    for name, size in SIZES.items():
        repeats = max(10, count * 2400 // max(size, 2400))
        rows: dict[str, list[float]] = {form: [] for form in FORMS}
        for _ in range(rounds):
            for form, row in rows.items():
                capture = folder / "capture.gz"
                peer = start(form, capture)
                peer.measure(size, repeats // 10 + 1)
                row.append(statistics.median(peer.measure(size, repeats)))
                peer.close()
                if form == "recorded":
                    check(capture, 2 * (2 + repeats // 10 + 1 + repeats))
        for form, row in rows.items():
            medians[form][name] = round(statistics.median(row), 2)
    return medians


def check(capture: Path, count: int) -> None:
    """Each message has to be in the capture."""
    lines = gzip.decompress(capture.read_bytes()).splitlines()
    assert len(lines) == count, (len(lines), count)
    assert all("frame" in json.loads(line) for line in lines)


def start_times(folder: Path, count: int) -> dict[str, float]:
    """Form → the median time from exec to the manifest, in ms."""
    times: dict[str, float] = {}
    for form in FORMS:
        spent = []
        for _ in range(count):
            peer = start(form, folder / "capture.gz")
            peer.close()
            spent.append(peer.start_seconds)
        times[form] = round(statistics.median(spent) * 1000, 1)
    return times


def show(where: str, medians: dict[str, dict[str, float]]) -> None:
    print(where)
    for form, row in medians.items():
        print(
            f"  {form:12}" + "".join(f"{size:>8}: {value:8.1f} µs" for size, value in row.items())
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="What recording costs.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it still work?")
    parser.add_argument("--save", type=Path, help="where to keep the results, as JSON")
    arguments = parser.parse_args()
    gc.disable()
    rounds, count = (1, 50) if arguments.quick else (5, 5000)
    report: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="clnwire-bench-") as name:
        folder = Path(name)
        report["all_cores_us"] = medians = round_trips(folder, rounds, count)
        show("all cores", medians)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            report["one_core_us"] = medians = round_trips(folder, rounds, count)
            show("one core", medians)
        report["start_ms"] = starts = start_times(folder, 3 if arguments.quick else 9)
        print(f"from exec to manifest, ms: {starts}")
    if arguments.save:
        arguments.save.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
