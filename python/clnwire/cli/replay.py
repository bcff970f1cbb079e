"""`clnwire replay`: plays the daemon's side of a capture to a plugin."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from msgspec import json
from rich.console import Console
from rich.table import Table

from clnwire.host import HostError
from clnwire.host.capture import read_capture
from clnwire.host.replay import DifferenceError, Outcome, Replay
from clnwire.host.startup import plugin_command

PERCENTILES = (50.0, 99.0, 99.9, 100.0)


def replay(
    capture: Annotated[Path, typer.Argument(help="JSON lines, plain or gzipped.")],
    plugin: Annotated[
        list[str], typer.Argument(metavar="-- PLUGIN [ARGS]...", help="How to run the plugin.")
    ],
    speed: Annotated[
        float,
        typer.Option(min=0, help="1: as it was; 2: twice as fast; 0: as fast as possible."),
    ] = 0.0,
    window: Annotated[
        int, typer.Option(min=1, help="How many requests may be under way at a time.")
    ] = 64,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds that a request may wait for its answer.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Prints JSON, for programs.")] = False,
) -> None:
    """Plays the daemon's side of a capture to a plugin, and checks each answer.

    Each message goes to the plugin byte for byte. Each request must be answered exactly once, with
    its exact id, and as the daemon accepts it; at the first difference replay ends with status 1.
    Status 2: the capture cannot be read, the plugin cannot be started or ended.
    """
    try:
        steps = read_capture(capture)
        argv = plugin_command(plugin)
        run = Replay(steps, window=window, speed=speed, timeout=timeout).run(argv)
        outcome = asyncio.run(run)
    except DifferenceError as error:
        found = {"line": error.line, "expected": error.expected, "got": error.got}
        _fail(str(error), 1, {"ok": False, "difference": found}, as_json=as_json)
    except HostError as error:
        _fail(str(error), 2, {"ok": False, "error": str(error)}, as_json=as_json)
    summary = summarise(outcome)
    if as_json:
        sys.stdout.write(json.encode(summary).decode() + "\n")
    else:
        _print(summary)


def summarise(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints; durations in the units that the names say."""
    messages = outcome.requests + outcome.notifications
    cpu = outcome.cpu_seconds
    return {
        "ok": True,
        "requests": outcome.requests,
        "notifications": outcome.notifications,
        "log_lines": outcome.log_lines,
        "seconds": round(outcome.seconds, 6),
        "messages_per_second": round(messages / outcome.seconds, 1),
        "cpu_us_per_message": None if cpu is None else round(cpu / messages * 1e6, 1),
        "methods": [
            {"method": method, "count": len(seconds), **_latencies(seconds)}
            for method, seconds in sorted(outcome.latencies.items(), key=lambda item: -len(item[1]))
        ],
    }


def _latencies(seconds: list[float]) -> dict[str, float]:
    names = ("median_us", "p99_us", "p999_us", "max_us")
    ordered = sorted(seconds)
    return {
        name: round(_percentile(ordered, percent) * 1e6, 1)
        for name, percent in zip(names, PERCENTILES, strict=True)
    }


def _percentile(ordered: list[float], percent: float) -> float:
    """The smallest value that so many per cent of all do not exceed."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def _print(summary: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for name in ("count", "median µs", "99 % µs", "99.9 % µs", "max µs"):
        table.add_column(name, justify="right")
    for row in summary["methods"]:
        numbers = [f"{row[name]:,.0f}" for name in ("median_us", "p99_us", "p999_us", "max_us")]
        table.add_row(row["method"], f"{row['count']:,}", *numbers)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{summary['requests']:,} requests answered, {summary['notifications']:,} notifications, "
        f"{summary['seconds']:.3f} s, {summary['messages_per_second']:,.0f} messages/s"
    )
    if summary["cpu_us_per_message"] is not None:
        console.print(f"{summary['cpu_us_per_message']:.1f} µs of CPU per message in the plugin")


def _fail(message: str, status: int, report: dict[str, Any], *, as_json: bool) -> NoReturn:
    if as_json:
        sys.stdout.write(json.encode(report).decode() + "\n")
    else:
        sys.stderr.write(f"clnwire replay: {message}\n")
    raise typer.Exit(status)
