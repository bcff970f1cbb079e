"""Runs the micro-benchmarks of the core and of Python, and prints which budgets are met.

    python benches/micro.py [--rounds 5] [--save [FILE]]

Each round runs every benchmark briefly, so that a slow minute of the machine affects all of them.
Budgets apply to the median of the rounds; the best round is shown too. Everything runs on one core.
Instructions are counted once, since their number does not vary.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from suite.machine import machine, version

ROOT = Path(__file__).parents[1]
LIBRARIES = ("msgspec", "orjson", "jiter", "pytest-benchmark")
CARGO = ("cargo", "bench", "--quiet", "--locked", "-p", "clnwire-core", "--bench")
PYTEST = (
    *(sys.executable, "-m", "pytest", "benches", "-q", "-p", "benchmark"),
    *("--benchmark-disable-gc", "--benchmark-min-rounds=3", "--benchmark-max-time=0.2"),
)
LEAST_GB_PER_S = {
    "framer/db_write, 0.4 kB": 3.0,
    "framer/db_write, 2.4 kB": 3.0,
    "framer/db_write, 12 kB": 3.0,
    "framer/db_write, 1 MB": 3.0,
    "framer/listchannels, 12 kB": 1.0,
    "framer/listchannels, 1 MB": 1.0,
    "framer/listpeerchannels, 12 kB": 1.0,
    "framer/listpeerchannels, 1 MB": 1.0,
}
MOST_NS = {"ids/insert and take, 1000 in flight": 50.0}

Row = dict[str, float]


def run(*command: str, **environment: str) -> str:
    """The output of a command. If the command fails, exits with the end of its output."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def core_round(folder: Path) -> dict[str, tuple[float, int]]:
    """The core's benchmarks: nanoseconds, and the bytes processed (0 if not counted)."""
    run(*CARGO, "core", "--", "--quick", CRITERION_HOME=str(folder))
    found = {}
    for file in folder.glob("**/new/benchmark.json"):
        what = json.loads(file.read_text())
        estimates = json.loads((file.parent / "estimates.json").read_text())
        size = (what["throughput"] or {}).get("Bytes", 0)
        found[what["full_id"]] = (estimates["median"]["point_estimate"], size)
    return found


def python_round(folder: Path) -> dict[str, tuple[float, int]]:
    """Python's benchmarks: nanoseconds, and 0 for the bytes."""
    file = folder / "python.json"
    run(*PYTEST, f"--benchmark-json={file}")
    found = json.loads(file.read_text())["benchmarks"]
    return {each["name"]: (each["stats"]["median"] * 1e9, 0) for each in found}


def summary(rounds: list[dict[str, tuple[float, int]]]) -> dict[str, Row]:
    """Benchmark → the median and the best of the rounds, in nanoseconds and in GB/s."""
    rows = {}
    for name, (_, size) in sorted(rounds[0].items()):
        times = [each[name][0] for each in rounds]
        row = {"median_ns": rounded(statistics.median(times)), "best_ns": rounded(min(times))}
        if size:
            row["median_gb_per_s"] = round(size / statistics.median(times), 3)
            row["best_gb_per_s"] = round(size / min(times), 3)
        rows[name] = row
    return rows


def rounded(nanoseconds: float) -> float:
    """Rounds to four digits. The measurements are no more precise."""
    return float(f"{nanoseconds:.4g}")


def instructions() -> dict[str, Any] | str:
    """Step → its instructions, or why they could not be counted."""
    counted = run(*CARGO, "instructions")
    return dict(json.loads(counted)) if counted else "absent: no valgrind"


def budgets(core: dict[str, Row]) -> list[str]:
    """A line for each budget: the measured value, the limit, and whether it is met."""
    lines = []
    for name, least in LEAST_GB_PER_S.items():
        row = core[name]
        lines.append(
            f"{name:38}{row['median_gb_per_s']:7.2f} GB/s (best {row['best_gb_per_s']:.2f}), "
            f"at least {least:g}: {verdict(row['median_gb_per_s'] >= least)}"
        )
    for name, most in MOST_NS.items():
        row = core[name]
        lines.append(
            f"{name:38}{row['median_ns']:7.1f} ns (best {row['best_ns']:.1f}), "
            f"at most {most:g}: {verdict(row['median_ns'] <= most)}"
        )
    return lines


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def environment() -> dict[str, str]:
    """The machine, and the versions of Python, Rust and the libraries."""
    versions = {library: version(library) or "absent" for library in LIBRARIES}
    facts = {**msgspec.to_builtins(machine()), **versions}
    return {**facts, "rustc": run("rustc", "--version").split()[1]}


def file_name(environment: dict[str, str]) -> Path:
    """The default file for the results."""
    cpu = re.sub(r"\((R|TM)\)|@.*|\bProcessor\b|\bCPU\b", "", environment["cpu"])
    words = "-".join(re.findall(r"[a-z0-9]+", cpu.lower())) or "unknown-cpu"
    return ROOT / "benches/results" / f"{environment['date']}-{words}-micro.json"


def measured(rounds: int) -> dict[str, Any]:
    core, python = [], []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            core.append(core_round(Path(folder)))
            python.append(python_round(Path(folder)))
    return {
        "machine": environment(),
        "rounds": rounds,
        "core": summary(core),
        "python": summary(python),
        "instructions": instructions(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the micro-benchmarks and checks budgets.")
    parser.add_argument("--rounds", type=int, default=5, help="how often to run each benchmark")
    parser.add_argument(
        "--save",
        nargs="?",
        const="",
        metavar="FILE",
        help="save the results as JSON; without FILE, in benches/results",
    )
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # Build before setting the affinity, which later processes inherit.
        run(*CARGO, "core", "--no-run")
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = measured(arguments.rounds)
    for part in ("core", "python"):
        for name, row in results[part].items():
            speed = f"{row['median_gb_per_s']:8.2f} GB/s" if "median_gb_per_s" in row else ""
            print(f"{name:58}{row['median_ns']:>15,.1f} ns{speed}")
    print("instructions:", json.dumps(results["instructions"], indent=1))
    print(*budgets(results["core"]), sep="\n")
    if arguments.save is not None:
        file = Path(arguments.save) if arguments.save else file_name(results["machine"])
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(f"saved in {file}")


if __name__ == "__main__":
    main()
