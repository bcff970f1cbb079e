"""Runs all fuzz targets for some time, each in its turn, and adds a row for each to a results file.

    python -m benches.fuzz --minutes 90 --save benches/results/2026-11-29-fuzz.json

`rust/fuzz/README.md` says what each target judges. Rust's targets are driven by coverage, and the
cases of `rust/core/tests/every.rs` are all there are up to a length; those of `tests/fuzz` are
random. A finding is an input or a seed in the target's output, which is kept in `build/fuzz`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
FUZZ: Final = ROOT / "rust/fuzz"
OUTPUT: Final = ROOT / "build/fuzz"
GUIDED: Final = {"framer": 96, "envelope_ids": 160, "outbox": 96, "journal": 64}
"""The most bytes of an input."""
EXHAUSTIVE: Final = {
    "framer": ("bytes", "tokens", "calls", "text", "numbers", "literals", "utf8"),
    "envelope_ids": ("members", "messages"),
    "outbox": ("steps",),
}
RANDOM: Final = ("binder", "captures", "host_socket", "options")
ALL: Final = str(2 * 10**9)
NICE: Final = ["nice", "-n", "19"]


def main() -> None:
    """Builds the targets and runs them."""
    parser = argparse.ArgumentParser(prog="python -m benches.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--save", type=Path, help="the results file, to which rows are added")
    given = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    runs = [*built()]
    seconds = given.minutes * 60 * given.processes / len(runs)
    with ThreadPoolExecutor(given.processes) as pool:
        for row in pool.map(lambda each: ran(*each, seconds), runs):
            print(json.dumps(row), flush=True)
            if given.save is not None:
                save(given.save, row)


def built() -> Any:
    """The name, the kind and the command of each run."""
    fuzz = ["cargo", "+nightly", "fuzz", "build", "--fuzz-dir", str(FUZZ)]
    subprocess.run([*NICE, *fuzz, "--sanitizer", "none", "-O"], check=True, cwd=ROOT)
    test = ["cargo", "test", "--release", "-p", "clnwire-core", "--test", "every", "--no-run"]
    text = subprocess.run([*NICE, *test], check=True, cwd=ROOT, stderr=subprocess.PIPE).stderr
    every = re.findall(r"\((\S+)\)", text.decode())[-1]
    for name, length in GUIDED.items():
        corpus, seeds = FUZZ / "corpus" / name, FUZZ / "seeds" / name
        corpus.mkdir(parents=True, exist_ok=True)
        program = next(FUZZ.glob(f"target/*/release/{name}"))
        folders = [str(folder) for folder in (corpus, seeds) if folder.is_dir()]
        options = [f"-max_len={length}", f"-dict={FUZZ}/json.dict", "-print_final_stats=1"]
        yield name, "guided", [str(program), *folders, *options, "-max_total_time={}"]
    for name, texts in EXHAUSTIVE.items():
        for each in texts:
            limited = ["timeout", "{}", str(ROOT / every), each, "--exact", "--nocapture"]
            yield f"{name}: {each}", "exhaustive", limited
    for name in RANDOM:
        yield name, "random", [sys.executable, "-m", "tests.fuzz", name, "--seconds", "{}"]


def ran(name: str, kind: str, command: list[str], seconds: float) -> dict[str, Any]:
    """Runs a command for that time. Returns the row."""
    output = OUTPUT / f"{name.replace(': ', '-')}-{kind}.txt"
    start = time.monotonic()
    with output.open("wb") as file:
        done = subprocess.run(
            [*NICE, *(part.format(round(seconds)) for part in command)],
            cwd=ROOT,
            env={**os.environ, "CLNWIRE_EVERY_CASES": ALL},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    found = PATTERNS[kind].findall(output.read_text(errors="replace"))
    # `timeout` ends with 124 what has more texts to try.
    is_sound = done.returncode in ((0, 124) if kind == "exhaustive" else (0,))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "target": name,
        "kind": kind,
        "executions": int(found[-1]) if found else 0,
        "seconds": round(time.monotonic() - start),
        "commit": commit(),
        "findings": [] if is_sound else [f"see {output.relative_to(ROOT)}"],
    }


PATTERNS: Final = {
    "guided": re.compile(r"stat::number_of_executed_units: (\d+)"),
    "exhaustive": re.compile(r"^\w+: (\d+) texts", re.MULTILINE),
    "random": re.compile(r'"executions": (\d+)'),
}


def commit() -> str:
    """The short hash of the commit."""
    head = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(head, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def save(path: Path, row: dict[str, Any]) -> None:
    """Adds a row to the file."""
    rows = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*rows, row], indent=1) + "\n")


if __name__ == "__main__":
    main()
