"""How a demo went: for people a table, for programs an object."""

from typing import Final, Literal

from msgspec import Struct
from rich.table import Column, Table

from clnwire.cli.demo.node import DemoRun

_SAME: Final = "[green]the replica is the same, row by row[/]"


class Latency(Struct):
    """From a `db_write` being sent to its answer, in microseconds."""

    median: float
    p99: float
    p999: float
    max: float


class DemoReport(Struct, omit_defaults=True):
    """The outcome, as `--json` prints it; what was not measured is left out."""

    verdict: Literal["same", "differs", "failed"]
    writes: int
    """How many there were to be."""
    difference: str | None = None
    """Where the databases differ first."""
    error: str | None = None
    """Why the demo could not run to its end."""
    seconds: float | None = None
    """The time of all latencies and of the node's own commits."""
    writes_per_second: float | None = None
    latency_us: Latency | None = None
    sql_megabytes_per_second: float | None = None
    """Millions of bytes of statements."""
    plugin_cpu_us_per_write: float | None = None
    plugin_peak_memory_mb: float | None = None
    """Of samples, in millions of bytes."""
    restore_seconds: float | None = None
    """The time to make the node's database from the replica."""
    fsync_us: float | None = None
    """What one fsync takes on this disk while nothing else writes: a replica needs one a write."""


def report(run: DemoRun, difference: str | None, restore_seconds: float | None) -> DemoReport:
    """Puts the measurements of a complete run in figures."""
    count = len(run.latencies)
    ordered = sorted(run.latencies)
    places = (min(count - 1, int(share * count)) for share in (0.5, 0.99, 0.999, 1))
    return DemoReport(
        verdict="same" if difference is None else "differs",
        writes=run.writes,
        restore_seconds=None if restore_seconds is None else round(restore_seconds, 3),
        difference=difference,
        seconds=round(run.seconds, 3),
        writes_per_second=round(count / run.seconds, 1),
        latency_us=Latency(*(_us(ordered[place]) for place in places)),
        sql_megabytes_per_second=round(run.sql_bytes / run.seconds / 1e6, 2),
        plugin_cpu_us_per_write=_us(run.plugin_cpu / count),
        plugin_peak_memory_mb=round(run.plugin_memory / 1e6, 1),
        fsync_us=_us(run.fsync),
    )


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def table(result: DemoReport) -> Table:
    """The report of a complete run for people."""
    latency = result.latency_us or Latency(0, 0, 0, 0)
    restored = result.restore_seconds
    rows = [
        ("writes", f"{result.writes:,} in {result.seconds:,.1f} s"),
        ("writes a second", f"{result.writes_per_second:,.0f}"),
        ("SQL a second", f"{result.sql_megabytes_per_second:,.1f} MB"),
        ("latency, median", _ms(latency.median)),
        ("latency, 99 %", _ms(latency.p99)),
        ("latency, 99.9 %", _ms(latency.p999)),
        ("plugin's CPU time a write", _ms(result.plugin_cpu_us_per_write)),
        ("plugin's peak memory", f"{result.plugin_peak_memory_mb:,.0f} MB"),
        ("killed", f"node and plugin, before commit {result.writes // 2 + 1:,}"),
        ("restored in", "nothing to restore" if restored is None else f"{restored:,.2f} s"),
        ("an fsync on this disk", _ms(result.fsync_us)),
        ("verdict", _SAME if result.difference is None else "[red]the replica differs[/]"),
    ]
    grid = Table("", Column(overflow="fold"), show_header=False)
    for row in rows:
        grid.add_row(*row)
    return grid


def _ms(us: float | None) -> str:
    return f"{(us or 0) / 1000:,.2f} ms"
