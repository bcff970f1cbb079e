"""How plots look: the same bytes for the same figures, readable on light and on dark.

Needs matplotlib, which nothing else of clnwire does.
"""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

TEXT: Final = "#7a7a7a"
"""Has a contrast of 4.3 on white and of 4.4 on a dark page (#0d1117)."""
OURS: Final = "#e8590c"
BESIDE: Final = "#909090"
"""The colour of the earlier figures in a comparison."""

SETTINGS: Final[Any] = {
    "svg.hashsalt": "clnwire",
    # Text stays text: small, searchable, in the reader's font.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 12,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


@contextmanager
def style() -> Generator[None, None, None]:
    """Sets the style for plots in the block. Raises `ModuleNotFoundError` without matplotlib."""
    # matplotlib is slow to import, so import it only here.
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    with matplotlib.rc_context(SETTINGS):
        yield


def canvas(*heights: float) -> tuple[Any, list[Any]]:
    """A figure of 8 inches' width, and axes of these heights, one below the other."""
    figures: Any = import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(8, sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, [row[0] for row in axes]


def bare_bars(axes: Any, title: str) -> None:
    """Bars from top to bottom whose labels say what an axis would."""
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title(title, loc="left", fontsize=12)


def save(figure: Any, path: Path) -> Path:
    """Writes the file. Raises `OSError`."""
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    # Remove white space at line ends, which editors and reviews flag.
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    return path
