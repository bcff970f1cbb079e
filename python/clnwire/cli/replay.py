"""`clnwire replay`: plays the daemon's side of a capture to a plugin."""

import asyncio
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from clnwire._wire.counting import counted
from clnwire._wire.foreign import printable, shortened
from clnwire.captures.filter import parse_span
from clnwire.cli._arguments import AsJson, Capture, From, PluginCommand, To, Words, flag, option
from clnwire.cli._captures import moving_bar
from clnwire.cli._failing import fail, print_json, say
from clnwire.cli._replay_diff import Comparison
from clnwire.errors import ClnwireError
from clnwire.program import of_words
from clnwire.replay.capture import Step, read_capture
from clnwire.replay.replay import DifferenceError, Outcome, Replay
from clnwire.replay.stand_in import recorded_paths, stand_in

PERCENTILES = {"median_us": 50.0, "p99_us": 99.0, "p999_us": 99.9, "max_us": 100.0}
EXAMPLES = (
    ("clnwire replay node.jsonl.gz -- ./plugin.py", "does lightningd accept all answers?"),
    ("clnwire replay node.jsonl.gz --diff -- ./plugin.py", "are they the recorded ones?"),
    ("clnwire replay node.jsonl.gz --from 12.5s --to 900 -- ./plugin.py", "a part of the capture"),
    ("clnwire replay node.jsonl.gz --speed 1 --window 1 -- ./plugin.py", "real latencies"),
)


def replay(
    capture: Capture,
    plugin: PluginCommand,
    diff: Annotated[
        bool, flag("Also compares the answers with the recorded ones.", "--diff")
    ] = False,
    to_the_byte: Annotated[
        bool, flag("As --diff, and compares the text as well.", "--bytes")
    ] = False,
    ignore: Annotated[Words, option("NAME,...", "Members that --diff ignores.")] = None,
    first: From = None,
    last: To = None,
    speed: Annotated[
        float, option("N", "1: as recorded; 2: twice as fast; 0: as fast as possible.", min=0)
    ] = 0.0,
    window: Annotated[int, option("N", "Requests in flight.", min=1)] = 64,
    timeout: Annotated[
        float, option("SECONDS", "The longest wait for an answer.", min=0.01)
    ] = 60.0,
    live: Annotated[bool, flag("Lets the plugin call the node of the capture.", "--live")] = False,
    as_json: AsJson = False,
) -> None:
    """Plays the daemon's side of a capture to a plugin, and checks each answer.

    The plugin gets each message byte for byte, except for the path of the node's socket: its calls
    go to a node with nothing in it, unless --live is given. Each request must be answered exactly
    once, with its id and a result that lightningd accepts.

    Status 1: an answer is wrong, or differs with --diff. Status 2: the capture cannot be read, or
    the plugin cannot be started or ended.
    """
    ignored = [name for group in ignore or [] for name in group.split(",") if name]
    comparison = Comparison(ignored, to_the_byte=to_the_byte) if diff or to_the_byte else None
    try:
        steps = read_capture(
            capture, parse_span(first, last), on_cut=lambda error: say("replay", str(error))
        )
        play = Replay(
            steps,
            window=window,
            speed=speed,
            timeout=timeout,
            on_reply=None if comparison is None else comparison.take,
        )
        for path in recorded_paths(steps):
            shown = printable(path)
            say("replay", f"the capture sets the option {shown}: the plugin may use that file")
        outcome = asyncio.run(_played(play, of_words(plugin), steps, live=live, hidden=as_json))
    except DifferenceError as error:
        found = {"line": error.line, "expected": error.expected, "got": error.got}
        fail("replay", str(error), 1, as_json=as_json, difference=found)
    except ClnwireError as error:
        fail("replay", str(error), as_json=as_json)
    summary = summarise(outcome)
    if comparison is not None:
        summary |= {"ok": comparison.is_same, **comparison.as_json()}
    if as_json:
        print_json(summary)
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


def summarise(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints. The names say the units."""
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
    ordered = sorted(seconds)
    return {
        name: round(_percentile(ordered, percent) * 1e6, 1) for name, percent in PERCENTILES.items()
    }


def _percentile(ordered: list[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def _print(summary: dict[str, Any], comparison: Comparison | None) -> None:
    heads = ("count", "median µs", "99 % µs", "99.9 % µs", "max µs")
    columns = (Column(head, justify="right") for head in heads)
    table = Table("method", *columns, box=None, pad_edge=False)
    for row in summary["methods"]:
        numbers = [f"{row[name]:,.0f}" for name in PERCENTILES]
        table.add_row(escape(shortened(row["method"])), f"{row['count']:,}", *numbers)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{counted(summary['requests'], 'request')} answered, "
        f"{counted(summary['notifications'], 'notification')}, "
        f"{summary['seconds']:.3f} s, {summary['messages_per_second']:,.0f} messages/s"
    )
    if summary["cpu_us_per_message"] is not None:
        console.print(f"{summary['cpu_us_per_message']:.1f} µs of CPU per message in the plugin")
    if comparison is not None:
        comparison.show(console, summary["log_lines"] + summary["published"])
