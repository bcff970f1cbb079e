"""Compares two results: the ratio of each new figure to the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .results import FLOOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .results import Results

COLUMNS = {
    "round trip": "p50_us",
    "99.9 %": "p999_us",
    "messages/s": "messages_per_second",
    "CPU": "processor_us",
    "start": "manifest_ms",
    "memory": "idle_memory_kb",
}


def text(old: Results, new: Results) -> str:
    """A table with a line for each case and peer.

    The last columns divide the ratios of round trip and messages a second by the floor's ratio,
    which removes a difference in the machine's speed.
    """
    heads = [*COLUMNS, "trip ÷ floor", "messages ÷ floor"]
    lines = [
        f"old: {about(old)}",
        f"new: {about(new)}",
        "new ÷ old:",
        f"{'':30}{'':16}" + "".join(f"{head:>18}" for head in heads),
    ]
    for case, peer in common(old, new):
        ratios = [ratio(old, new, case, peer, figure) for figure in COLUMNS.values()]
        ratios += [
            to_floor(old, new, case, peer, figure) for figure in ("p50_us", "messages_per_second")
        ]
        lines.append(f"{case:30}{peer:16}" + "".join(f"{show(value):>18}" for value in ratios))
    lines += [f"only in the old one: {name}" for name in missing(old, new)]
    lines += [f"only in the new one: {name}" for name in missing(new, old)]
    return "\n".join(lines)


def about(results: Results) -> str:
    machine = results.machine
    return f"{machine.date}, {machine.cpu}, Python {machine.python}, clnwire {machine.commit}"


def common(old: Results, new: Results) -> Iterator[tuple[str, str]]:
    """The cases and peers that both results have."""
    pairs = measured(new)
    yield from (pair for pair in measured(old) if pair in pairs)


def missing(here: Results, there: Results) -> list[str]:
    """The cases and peers that only the first result has."""
    pairs = measured(there)
    return [f"{case}: {peer}" for case, peer in measured(here) if (case, peer) not in pairs]


def measured(results: Results) -> list[tuple[str, str]]:
    return [(case, peer) for case, outcome in results.cases.items() for peer in outcome.figures]


def ratio(old: Results, new: Results, case: str, peer: str, figure: str) -> float | None:
    """The ratio of the new figure to the old one; `None` if one is missing."""
    before, after = old.value(case, peer, figure), new.value(case, peer, figure)
    return after / before if before and after is not None else None


def to_floor(old: Results, new: Results, case: str, peer: str, figure: str) -> float | None:
    """The ratio divided by the floor's ratio."""
    plain, floor = (ratio(old, new, case, name, figure) for name in (peer, FLOOR))
    return plain / floor if plain is not None and floor else None


def show(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
