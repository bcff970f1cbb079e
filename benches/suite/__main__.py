"""The suite's command line."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import compare, pages, peers, plots, results, tables
from .cases import ROOT, cases, skipped
from .running import FULL, QUICK, run


def main() -> int:
    arguments = parse()
    try:
        return int(arguments.run(arguments) or 0)
    except (OSError, peers.AbsentError, results.FormatError) as error:
        print(f"suite: {error}", file=sys.stderr)
        return 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="suite", description="clnwire and the other SDKs.")
    commands = parser.add_subparsers(required=True, metavar="run | render | compare")
    running = commands.add_parser("run", help="measure, keep the results and renew the docs")
    running.add_argument(
        "--quick", action="store_true", help="briefly, few peers, nothing kept: does it work?"
    )
    running.set_defaults(run=measure)
    rendering = commands.add_parser("render", help="renew tables and plots from a kept result")
    rendering.add_argument("file", type=Path)
    rendering.set_defaults(run=lambda arguments: pages.renew(arguments.file))
    comparing = commands.add_parser("compare", help="ratios of two results, new to old")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.set_defaults(run=show_comparison)
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    extent = QUICK if arguments.quick else FULL
    report = run(peers.build(quick=arguments.quick), cases(), skipped(), extent)
    print(tables.everything(report))
    if arguments.quick:
        with tempfile.TemporaryDirectory() as folder:
            plots.draw(report, Path(folder))
    else:
        path = ROOT / "benches" / "results" / report.file_name()
        results.save(report, path)
        pages.renew(path)
        print(f"kept in {path.relative_to(ROOT)}", file=sys.stderr)
    print(f"{time.monotonic() - started:.0f} s in all", file=sys.stderr)


def show_comparison(arguments: argparse.Namespace) -> None:
    old, new = results.load(arguments.old), results.load(arguments.new)
    print(compare.text(old, new))


if __name__ == "__main__":
    sys.exit(main())
