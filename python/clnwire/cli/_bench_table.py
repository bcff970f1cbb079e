"""The results of `clnwire bench` as a table, with caveats."""

from collections.abc import Sequence
from typing import Final

from clnwire._wire.counting import counted
from clnwire.bench.format import duration, memory, number
from clnwire.bench.results import ResultRow, Results

SELDOM: Final = 10
"""A percentile is shown if at least this many messages were slower."""
UNCHECKED: Final = (
    "events are samples (see --event); answers are not compared with a result (see --expect)"
)
BUSY: Final = 1.0
"""A machine with a load average of at least this is called busy."""


def as_text(results: Results, earlier: Results | None, *, checked: bool) -> str:
    """The caveats, a line for each case, the start, and what was not measured."""
    parts = [_caveats(results, earlier, checked=checked)]
    if results.rows:
        parts.append(_aligned(_table(results, earlier)))
    parts.append(_aligned(_start(results, earlier), left=2))
    if results.not_measured:
        parts.append("".join(f"not measured: {note}\n" for note in results.not_measured))
    return "\n".join(parts)


def _caveats(results: Results, earlier: Results | None, *, checked: bool) -> str:
    method, machine = results.method, results.machine
    where = "any processor" if method.core is None else f"processor {method.core}"
    rounds = "one round" if method.rounds == 1 else f"medians of {method.rounds} rounds"
    lines = [
        f"{results.plugin}: {rounds} of {method.seconds:g} s, plugin and load generator on {where}",
        f"{machine.cpu}, {counted(machine.cores, 'processor')}, a load of {machine.load:g} before"
        + ("; the machine is busy, and figures vary" if machine.load >= BUSY else ""),
    ]
    if not checked:
        lines.append(UNCHECKED)
    if earlier is not None:
        lines.append(_compared_with(results, earlier))
    return "".join(f"{line}\n" for line in lines)


def _compared_with(results: Results, earlier: Results) -> str:
    text = f"in brackets: new ÷ old, of {earlier.plugin} on {earlier.date}"
    if earlier.machine.cpu != results.machine.cpu:
        return f"{text}, but on another machine: {earlier.machine.cpu}"
    if _way(earlier) != _way(results):
        return f"{text}, which was measured in another way"
    return text


def _way(results: Results) -> tuple[float, int, bool]:
    """The settings that must be equal for a comparison. The number of rounds may differ."""
    method = results.method
    return method.seconds, method.window, method.core is None


def _table(results: Results, earlier: Results | None) -> list[list[str]]:
    rows = [["", "round trip", "99 %", "99.9 %", "CPU", f"{results.method.window} in flight"]]
    for name, row in results.rows.items():
        old = None if earlier is None else earlier.rows.get(name)
        before = [0.0] * 5 if old is None else [figure for _, figure in _figures(old)]
        pairs = zip(_figures(row), before, strict=True)
        rows.append([name, *(_beside(shown, new, then) for (shown, new), then in pairs)])
    return rows


def _figures(row: ResultRow) -> list[tuple[str, float]]:
    """A row's figures, each as it is shown and as a number."""
    one, rate = row.one, row.many.messages_per_second
    trips = [("", 0.0)] * 3
    if one is not None:
        trips = [
            (duration(one.p50_us), one.p50_us),
            (_rare(one.p99_us, one.messages / 100), one.p99_us),
            (_rare(one.p999_us, one.messages / 1000), one.p999_us),
        ]
    return [*trips, (duration(row.processor_us), row.processor_us), (number(rate, "/s"), rate)]


def _rare(microseconds: float, slower: float) -> str:
    return duration(microseconds) if slower >= SELDOM else "–"


def _start(results: Results, earlier: Results | None) -> list[list[str]]:
    now, then = results.start, None if earlier is None else earlier.start
    rows = [
        ("from exec to manifest", number(now.manifest_ms, " ms"), "manifest_ms"),
        ("memory when it has started", memory(now.idle_memory_kb), "idle_memory_kb"),
        ("memory at most", memory(now.peak_memory_kb), "peak_memory_kb"),
    ]
    return [
        [what, _beside(shown, getattr(now, name), getattr(then, name, 0.0))]
        for what, shown, name in rows
    ]


def _beside(cell: str, new: float, old: float) -> str:
    """The figure with its ratio to the earlier one, if both exist."""
    return f"{cell} ({new / old:.2f}×)" if cell not in ("", "–") and new and old else cell


def _aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Aligns the first `left` columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        cells = [
            f"{cell:<{width}}" if place < left else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)
