"""Puts tables and plots between the marks in the docs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import plots, tables
from .cases import ROOT
from .results import FormatError, Results, load

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "<!-- written by `make bench` from {} -->"
END = "<!-- end of what `make bench` writes -->"
BENCHMARKS = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
IMAGES = ROOT / "docs" / "images"


def renew(path: Path) -> None:
    """Puts the tables and plots of these results into the docs and the README.

    Raises `FormatError` if the file has no results of the suite, or a page has no marks.
    """
    results = load(path)
    plots.draw(results, IMAGES)
    for page, text in ((BENCHMARKS, section(results, path.name)), (README, teaser(results))):
        page.write_text(replaced(page, path.name, text))


def section(results: Results, name: str) -> str:
    """The section of `docs/performance.md`; `name` is the name of the results' file."""
    images = [
        ("Median round trip of a db_write by its size, peer by peer", plots.LATENCY),
        ("Messages a second, peer by peer", plots.THROUGHPUT),
        ("CPU time a message, peer by peer", plots.PROCESSOR),
    ]
    caveats = tables.caveats(results)
    link = f"All figures are in the [results](../benches/results/{name})."
    shown = "\n\n".join(f"![{what}](images/{image})" for what, image in images)
    return tables.everything(results).replace(caveats, f"{caveats}\n{link}\n\n{shown}")


def teaser(results: Results) -> str:
    """The section of the README."""
    machine = results.machine
    caveat = tables.paragraph(
        [
            f"One run on one core of a shared machine ({machine.cpu}, {machine.date}), CPython",
            f"{machine.python}: the same plugin on each SDK, whose handlers do nothing, and a",
            "native load generator that plays the daemon and checks every answer. Ratios are what",
            "to quote.",
        ]
    )
    # Package indexes show the README, and know no relative links.
    images = f"{_repository()}/raw/main/docs/images"
    image = f"![Median round trip by size, peer by peer]({images}/{plots.LATENCY})"
    return f"{caveat}\n\n{tables.summary(results)}\n\n{image}"


def _repository() -> str:
    """The address in the workspace's Cargo.toml."""
    line = re.search(r'^repository = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    return line[1] if line else ""


def replaced(page: Path, source: str, text: str) -> str:
    """The page with this text between its marks.

    Raises `FormatError` unless the page has exactly one pair of marks.
    """
    pattern = re.escape(BEGIN).replace(r"\{\}", r"\S+") + "\n.*?" + re.escape(END)
    new = f"{BEGIN.format(source)}\n\n{text}\n\n{END}"
    done, count = re.subn(pattern, lambda _: new, page.read_text(), flags=re.DOTALL)
    if count != 1:
        raise FormatError(
            f"{page}: it needs one section between {BEGIN!r} and {END!r}, but has {count}"
        )
    return done


def source(page: str) -> str:
    """The name of the results that the page shows."""
    found = re.search(re.escape(BEGIN).replace(r"\{\}", r"(\S+)"), page)
    return found[1] if found else ""
