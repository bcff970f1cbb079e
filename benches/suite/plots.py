"""Results as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.bench import svg

from .cases import SIZES, round_trip, window
from .results import BARE, CLNWIRE, FLOOR, RAW

if TYPE_CHECKING:
    from pathlib import Path

    from .results import Results

COLOURS = {FLOOR: svg.BESIDE, CLNWIRE: svg.OURS, RAW: "#f2a65a"}
OTHERS = ["#3d8bfd", "#20a37a", "#a874e0", "#c2a200"]
LATENCY, THROUGHPUT, PROCESSOR = "latency.svg", "throughput.svg", "cpu.svg"


def draw(results: Results, folder: Path) -> list[Path]:
    """Writes the three plots into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with svg.style():
        return [
            _latency(results, folder / LATENCY),
            _bars(
                results,
                (window("0.4 kB"), "messages_per_second", 1000),
                "thousand messages a second, 0.4 kB, 64 in flight",
                folder / THROUGHPUT,
            ),
            _bars(
                results,
                (round_trip("0.4 kB"), "processor_us", 1),
                "the plugin's CPU time a message in µs, 0.4 kB, one in flight",
                folder / PROCESSOR,
            ),
        ]


def _latency(results: Results, path: Path) -> Path:
    figure, (axes,) = svg.canvas(4.2)
    for peer in _shown(results):
        points = {
            size / 1000: value
            for name, size in SIZES.items()
            if (value := results.value(round_trip(name), peer, "p50_us")) is not None
        }
        axes.plot(
            list(points), list(points.values()), "o-", color=_colour(results, peer), label=peer
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([size / 1000 for size in SIZES.values()], list(SIZES))
    axes.set_xticks([], minor=True)
    axes.set_yticks([1, 10, 100, 1000, 10_000], ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms"])
    axes.set_title("median round trip of a db_write, by its size", loc="left", fontsize=12)
    axes.grid(alpha=0.25)
    axes.legend(loc="upper left")
    return svg.save(figure, path)


def _bars(results: Results, what: tuple[str, str, float], title: str, path: Path) -> Path:
    case, figure_name, unit = what
    values = {
        peer: (results.value(case, peer, figure_name) or 0) / unit for peer in _shown(results)
    }
    # A peer that failed has no bar: its name and the reason are shown.
    labels = [results.fate(case, peer) or _rounded(value) for peer, value in values.items()]
    figure, (axes,) = svg.canvas(0.9 + 0.42 * len(values))
    colours = [_colour(results, peer) for peer in values]
    bars = axes.barh(list(values), list(values.values()), color=colours, height=0.62)
    axes.bar_label(bars, labels, padding=5)
    svg.bare_bars(axes, title)
    axes.margins(x=0.12)
    return svg.save(figure, path)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _shown(results: Results) -> list[str]:
    return [peer for peer in results.peers if peer != BARE]


def _colour(results: Results, peer: str) -> str:
    others = [name for name in _shown(results) if name not in COLOURS]
    return COLOURS.get(peer) or OTHERS[others.index(peer) % len(OTHERS)]
