"""Writes the tables of `docs/reliability.md` from what tests and campaigns have recorded.

    python python/generate_reliability.py [--check]

A tool for developers of clnwire, not part of the package. `make reliability` runs the tests whose
marks (`tests/promises.py`) are promises, and records what they show in `benches/results`. With
`--check` it writes nothing and exits with 1 if the page is out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "benches" / "results"
BEGIN = "<!-- written by `make reliability` from {} -->"
END = "<!-- end of what `make reliability` writes -->"

AREAS = {
    "The bytes": ("core",),
    "Messages": ("messages",),
    "The plugin": ("plugin",),
    "Calls to the daemon": ("rpc",),
    "Plugins of pyln-client": ("pyln",),
    "The journal and the replica": ("journal", "replica"),
    "The tools": ("host", "captures", "checking"),
    "A real lightningd": ("node",),
}
"""A heading, and the folders of its tests."""


class Machine(msgspec.Struct):
    """Where and when the tests ran."""

    system: str
    python: str
    date: str
    commit: str


class Shown(msgspec.Struct):
    """What a test showed."""

    test: str
    promises: list[list[str]]
    passed: int


class Record(msgspec.Struct):
    """What a run of the tests showed."""

    machine: Machine
    tests: list[Shown]


class Line(NamedTuple):
    """A line of the page."""

    danger: str
    what_happens: str
    tests: list[Shown]


def main() -> int:
    """Returns the exit status."""
    old = PAGE.read_text()
    file = newest("promises")
    new = replaced(old, file.name, "\n".join(generate(file)))
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(new)
    elif old != new:
        sys.stderr.write(f"{PAGE} is out of date: run python python/generate_reliability.py\n")
        return 1
    return 0


def newest(kind: str) -> Path:
    """The newest results of this kind."""
    return max(RESULTS.glob(f"*-{kind}.json"))


def replaced(page: str, source: str, text: str) -> str:
    """The page with this text between its marks."""
    pattern = re.escape(BEGIN).replace(r"\{\}", r"\S+") + "\n.*?" + re.escape(END)
    new = f"{BEGIN.format(source)}\n{text}\n\n{END}"
    done, count = re.subn(pattern, lambda _: new, page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE} needs one section between {BEGIN!r} and {END!r}, but has {count}")
    return done


def generate(file: Path) -> Iterator[str]:
    """A table for each area."""
    record = msgspec.json.decode(file.read_bytes(), type=Record)
    lines = list(promises(record.tests))
    for title, folders in AREAS.items():
        yield from ("", f"### {title}", "", "| danger | what happens | test | cases | date |")
        yield "|---|---|---|---|---|"
        for line in lines:
            if line.tests[0].test.partition("/")[0] in folders:
                tests = ", ".join(f"`{one.test}`" for one in line.tests)
                cases = f"{sum(one.passed for one in line.tests):,}"
                date = record.machine.date
                yield f"| {' | '.join((line.danger, line.what_happens, tests, cases, date))} |"


def promises(tests: Iterable[Shown]) -> Iterator[Line]:
    """Each promise with its tests, the one that says what happens before the others.

    Ends the program if one was not shown, or if two tests, or none, say what happens.
    """
    said: dict[str, str] = {}
    by: dict[str, list[Shown]] = {}
    for test in tests:
        for danger, *what_happens in test.promises:
            shown = by.setdefault(danger, [])
            if not what_happens:
                shown.append(test)
                continue
            if danger in said:
                sys.exit(f"two tests say what happens at this danger: {danger}")
            said[danger] = what_happens[0]
            shown.insert(0, test)
    for danger, shown in by.items():
        if danger not in said:
            sys.exit(f"no test says what happens at this danger: {danger}")
        if absent := [test.test for test in shown if not test.passed]:
            sys.exit(f"skipped in the recorded run, so nothing was shown by {', '.join(absent)}")
        yield Line(danger, said[danger], shown)


if __name__ == "__main__":
    sys.exit(main())
