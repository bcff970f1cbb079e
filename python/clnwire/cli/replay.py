"""`clnwire replay`: plays the daemon's side of a capture to a plugin."""

import asyncio
import sys
from contextlib import nullcontext
from typing import Annotated, Any, NoReturn

import typer
from msgspec import json
from rich.console import Console
from rich.table import Table

from clnwire._wire.foreign import printable
from clnwire.captures.span import parse_span
from clnwire.cli._captures import Capture, From, To, moving_bar
from clnwire.cli._failing import CANNOT, fail
from clnwire.cli._replay_diff import Comparison
from clnwire.errors import ClnwireError
from clnwire.program import of_words
from clnwire.replay.capture import CaptureError, Step, read_capture
from clnwire.replay.replay import DifferenceError, Outcome, Replay
from clnwire.replay.stand_in import recorded_paths, stand_in

PERCENTILES = (50.0, 99.0, 99.9, 100.0)
EXAMPLES = (
    ("clnwire replay node.jsonl.gz -- ./plugin.py", "are all answers as the daemon wants them?"),
    ("clnwire replay node.jsonl.gz --diff -- ./plugin.py", "are they the recorded ones?"),
    ("clnwire replay node.jsonl.gz --from 12.5s --to 900 -- ./plugin.py", "a part of it"),
    ("clnwire replay node.jsonl.gz --speed 1 --window 1 -- ./plugin.py", "true latencies"),
)


def replay(
    capture: Capture,
    plugin: Annotated[
        list[str], typer.Argument(metavar="-- PLUGIN [ARGS...]", help="How to run the plugin.")
    ],
    diff: Annotated[
        bool, typer.Option("--diff", help="Compares the answers with the recorded ones, too.")
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Members that --diff does not look at."),
    ] = None,
    first: From = None,
    last: To = None,
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
    live: Annotated[
        bool,
        typer.Option("--live", help="Lets the plugin call the node that the capture is from."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Prints JSON, for programs.")] = False,
) -> None:
    """Plays the daemon's side of a capture to a plugin, and checks each answer.

    Each message goes to the plugin byte for byte, except for the place of the node's socket: the
    plugin's own calls go to a node with nothing in it, unless --live is given. Each request must
    be answered exactly once, with its exact id, and as the daemon accepts it; otherwise replay ends
    at once with status 1. With --diff, answers that differ from the recorded ones are shown in the
    end, with status 1 as well.

    Status 2: the capture cannot be read, the plugin cannot be started or ended.
    """
    ignored = [name for group in ignore or [] for name in group.split(",") if name]
    comparison = Comparison(ignored) if diff else None
    try:
        steps = read_capture(capture, parse_span(first, last), on_cut=_say)
        play = Replay(
            steps,
            window=window,
            speed=speed,
            timeout=timeout,
            on_reply=None if comparison is None else comparison.take,
        )
        _warn_of_paths(steps)
        outcome = asyncio.run(_played(play, of_words(plugin), steps, live=live, hidden=as_json))
    except DifferenceError as error:
        found = {"line": error.line, "expected": error.expected, "got": error.got}
        _fail(str(error), 1, {"ok": False, "difference": found}, as_json=as_json)
    except ClnwireError as error:
        _fail(str(error), CANNOT, {"ok": False, "error": str(error)}, as_json=as_json)
    summary = summarise(outcome)
    if comparison is not None:
        summary |= {"ok": comparison.is_same, **comparison.as_json()}
    if as_json:
        sys.stdout.write(json.encode(summary).decode() + "\n")
    else:
        _print(summary, comparison)
    if comparison is not None and not comparison.is_same:
        raise typer.Exit(1)


async def _played(
    play: Replay, argv: list[str], steps: list[Step], *, live: bool, hidden: bool
) -> Outcome:
    async with (
        nullcontext() if live else stand_in(steps),
        moving_bar("playing", len(steps), lambda: play.sent, hidden=hidden),
    ):
        return await play.run(argv)


def _warn_of_paths(steps: list[Step]) -> None:
    for option in recorded_paths(steps):
        sys.stderr.write(
            f"clnwire replay: the capture sets the option {printable(option)}: the plugin may use "
            "that file\n"
        )


def summarise(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints; durations in the units that the names say."""
    messages = outcome.requests + outcome.notifications
    cpu = outcome.cpu_seconds
    return {
        "ok": True,
        "requests": outcome.requests,
        "notifications": outcome.notifications,
        "log_lines": outcome.log_lines,
        "published": outcome.published,
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


def _print(summary: dict[str, Any], comparison: Comparison | None) -> None:
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
    if comparison is not None:
        comparison.show(console, summary["log_lines"] + summary["published"])


def _say(error: CaptureError) -> None:
    sys.stderr.write(f"clnwire replay: {error}\n")


def _fail(message: str, status: int, report: dict[str, Any], *, as_json: bool) -> NoReturn:
    if as_json:
        sys.stdout.write(json.encode(report).decode() + "\n")
        raise typer.Exit(status)
    fail("replay", message, status)
