"""A bench's results as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clnwire.benching import svg
from clnwire.benching.words import duration, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clnwire.benching.results import Results, Row

LINE: Final = 0.42
"""Inches for a bar."""
ROOM: Final = 0.35
"""How much wider than the longest bar, for what stands behind it."""


def draw(results: Results, earlier: Results | None, path: Path) -> None:
    """Round trips and messages a second, each beside its earlier figure if there is one.

    Raises `ModuleNotFoundError` without matplotlib, and `OSError`.
    """
    asked = [name for name, row in results.rows.items() if row.one is not None]
    panels = [
        ("round trip, median", asked, _trip, duration),
        ("messages a second", list(results.rows), _throughput, number),
    ]
    wanted = [panel for panel in panels if panel[1]]
    with svg.style():
        bars = len(results.rows) * (1 if earlier is None else 2)
        figure, axes = svg.canvas(0.9 + LINE * max(1, bars), max(1, len(wanted)))
        for one, (title, names, value, spelled) in zip(
            axes if len(wanted) > 1 else [axes], wanted, strict=False
        ):
            _bars(one, title, _entries(names, results, earlier, value), spelled)
        svg.save(figure, path)


def _trip(row: Row) -> float:
    return 0.0 if row.one is None else row.one.p50_us


def _throughput(row: Row) -> float:
    return row.many.messages_per_second


def _entries(
    names: list[str], results: Results, earlier: Results | None, value: Callable[[Row], float]
) -> list[tuple[str, float, str]]:
    """Label, figure and colour of each bar."""
    found: list[tuple[str, float, str]] = []
    for name in names:
        found.append((name, value(results.rows[name]), svg.OURS))
        before = None if earlier is None else earlier.rows.get(name)
        if before is not None:
            found.append((f"{name}, before", value(before), svg.BESIDE))
    return found


def _bars(
    axes: Any, title: str, entries: list[tuple[str, float, str]], spelled: Callable[[float], str]
) -> None:
    labels, values, colours = zip(*entries, strict=True)
    bars = axes.barh(labels, values, color=colours, height=0.62)
    axes.bar_label(bars, [spelled(value) for value in values], padding=5)
    axes.set_xlim(0, (max(values) or 1) * (1 + ROOM))
    svg.bare_bars(axes, title)
