"""The summary of a capture, as a table or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from msgspec import json

from clnwire._wire.counting import counted
from clnwire.cli._trace_lines import COLOURS, SLOW_US, duration, printable

if TYPE_CHECKING:
    from clnwire.captures.tally import Row, Tally

WIDTH: Final = 120
"""Columns of a table that is not on a terminal."""


def show_summary(tally: Tally, daemon: str, *, as_json: bool) -> None:
    """Writes it to stdout. `daemon` is the version of the recorded daemon."""
    if as_json:
        found = {
            "messages": tally.messages,
            "seconds": round(tally.seconds, 6),
            "daemon": daemon,
            "names": [row.as_json() for row in tally.rows],
        }
        sys.stdout.write(json.encode(found).decode() + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("", "what", "name"):
        table.add_column(name, no_wrap=True)
    for name in ("count", "errors", "unanswered", "median", "99 %", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in tally.rows:
        table.add_row(*_cells(row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(table)
    console.print(f"{counted(tally.messages, 'message')} in {tally.seconds:,.3f} s, from {daemon}")


def _cells(row: Row) -> list[str]:
    from rich.markup import escape

    arrow = "→" if row.direction == "in" else "←"
    colour = COLOURS[row.kind]
    cells = [arrow, f"[{colour}]{row.kind}[/]", escape(printable(row.name)), f"{row.count:,}"]
    times = row.latencies
    if not times.count:
        return [*cells, "", f"{row.unanswered:,}" if row.unanswered else "", "", "", ""]
    errors = f"[red]{row.errors:,}[/]" if row.errors else "0"
    unanswered = f"[red]{row.unanswered:,}[/]" if row.unanswered else "0"
    most = duration(times.most)
    return [
        *cells,
        errors,
        unanswered,
        duration(times.percentile(50)),
        duration(times.percentile(99)),
        f"[red]{most}[/]" if times.most > SLOW_US else most,
    ]
