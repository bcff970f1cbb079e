"""A bench's results as a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from clnwire.bench import svg
from clnwire.bench.format import duration, number
from clnwire.bench.results import ResultRow, Results

Entry: TypeAlias = "tuple[str, float, str]"
"""A bar's label, figure and colour."""
LINE: Final = 0.36
"""The height of a bar in inches."""
HEAD: Final = 0.7
"""The height of a title with its margins, in inches."""
ROOM: Final = 0.15
"""Room for the figure after the longest bar, as a share of its length."""


def draw(results: Results, earlier: Results | None, path: Path) -> None:
    """Draws round trips and messages per second, each beside its earlier figure if there is one.

    Raises `ModuleNotFoundError` without matplotlib, and `OSError`.
    """
    before = None if earlier is None else earlier.start.manifest_ms
    starts = _pair(results.plugin, results.start.manifest_ms, before)
    trips = _entries(results, earlier, lambda row: None if row.one is None else row.one.p50_us)
    rates = _entries(results, earlier, lambda row: row.many.messages_per_second)
    panels: list[tuple[str, list[Entry], Callable[[float], str]]] = [
        ("round trip, median", trips, duration),
        ("messages a second", rates, number),
        ("from exec to manifest", starts, lambda value: number(value, " ms")),
    ]
    shown = [panel for panel in panels if panel[1]]
    with svg.style():
        figure, axes = svg.canvas(*(HEAD + LINE * len(entries) for _, entries, _ in shown))
        for one, (title, entries, spelled) in zip(axes, shown, strict=True):
            _bars(one, title, entries, spelled)
        svg.save(figure, path)


def _entries(
    results: Results, earlier: Results | None, value: Callable[[ResultRow], float | None]
) -> list[Entry]:
    found: list[Entry] = []
    for name, row in results.rows.items():
        before = None if earlier is None else earlier.rows.get(name)
        found += _pair(name, value(row), None if before is None else value(before))
    return found


def _pair(name: str, value: float | None, before: float | None) -> list[Entry]:
    """The figure's bar, with the earlier figure's bar below it."""
    bars = [(name, value, svg.OURS), (f"{name}, before", before, svg.BESIDE)]
    return [(label, figure, colour) for label, figure, colour in bars if figure is not None]


def _bars(axes: Any, title: str, entries: list[Entry], spelled: Callable[[float], str]) -> None:
    labels, values, colours = zip(*entries, strict=True)
    bars = axes.barh(labels, values, color=colours, height=0.62)
    axes.bar_label(bars, [spelled(value) for value in values], padding=5)
    axes.set_xlim(0, (max(values) or 1) * (1 + ROOM))
    svg.bare_bars(axes, title)
