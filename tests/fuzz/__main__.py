"""Runs a target for some time: `python -m tests.fuzz options --seconds 600`."""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

TARGETS = tuple(
    path.stem for path in sorted(Path(__file__).parent.glob("[!_]*.py")) if path.stem[:5] != "test_"
)


def main() -> None:
    """Prints how many cases there were. `--seed` repeats one that failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, help="run this one case only")
    given = parser.parse_args()
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        target = importlib.import_module(f"tests.fuzz.{given.target}").Target(Path(folder))
        if given.seed is not None:
            target.case(Random(given.seed))
            return
        count, seconds = run(target, given.seconds)
    print(json.dumps({"target": given.target, "executions": count, "seconds": round(seconds)}))


def run(target: Any, most_seconds: float) -> tuple[int, float]:
    """Tries cases for some time. Returns their number and the time."""
    start = now = time.monotonic()
    executions = 0
    for seed in itertools.count(int.from_bytes(os.urandom(6), "big")):
        try:
            executions += target.case(Random(seed)) or 1
        except BaseException:
            print(f"it fails with --seed {seed}", flush=True)
            raise
        now = time.monotonic()
        if now - start >= most_seconds:
            break
    return executions, now - start


if __name__ == "__main__":
    main()
