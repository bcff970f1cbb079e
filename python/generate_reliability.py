"""Writes the tables of `docs/reliability.md` from what tests and campaigns have recorded.

    python python/generate_reliability.py [--check]

A tool for developers of clnwire, not part of the package. `make reliability` runs the tests whose
marks (`tests/promises.py`) are promises, and records what they show in `benches/results`. With
`--check` it writes nothing and exits with 1 if the page is out of date.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
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

CORE = ("framer", "envelope_ids")
MANY = 100_000
"""From so many messages on a slope says something."""

AREAS = {
    "The bytes": ("core",),
    "Messages": ("messages",),
    "The plugin": ("plugin",),
    "Calls to the daemon": ("rpc",),
    "Plugins of pyln-client": ("pyln",),
    "The journal and the replica": ("journal", "replica"),
    "The tools": ("host", "captures", "checking"),
    "When the system fails": ("faults",),
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


class Campaign(msgspec.Struct):
    """A run of a fuzz target (`benches/fuzz.py`)."""

    target: str
    kind: str
    executions: int
    seconds: int
    commit: str
    date: str
    findings: list[str]


class Growth(msgspec.Struct):
    """How a plugin's memory grew with the messages of one kind (`benches/memory.py`)."""

    messages: int
    resident_mb: list[float]
    heap_by_message: list[float]
    """The slope in bytes, and its standard error."""
    descriptors: list[int]
    flat: bool


class Memory(msgspec.Struct):
    """All rows of a run."""

    machine: Machine
    rows: dict[str, Growth]


class Injected(msgspec.Struct):
    """What became of the faults that were injected into one program (`tests/faults`)."""

    faults: int
    tried: int
    broken: list[str]
    what: dict[str, dict[str, int]]
    """The system call and its fault; the outcome and how often."""


class Faults(msgspec.Struct):
    """All programs of a run."""

    machine: Machine
    programs: dict[str, Injected]


def main() -> int:
    """Returns the exit status."""
    old = PAGE.read_text()
    new = replaced(old, "promises", promised())
    new = replaced(new, "fuzz", fuzzed())
    new = replaced(new, "memory", remembered())
    new = replaced(new, "faults", injected())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(new)
    elif old != new:
        sys.stderr.write(f"{PAGE} is out of date: run python python/generate_reliability.py\n")
        return 1
    return 0


def newest(kind: str) -> Path:
    """The newest results of this kind."""
    return max(RESULTS.glob(f"*-{kind}.json"))


def replaced(page: str, kind: str, lines: Iterable[str]) -> str:
    """The page with these lines between the marks of this kind of results."""
    pattern = re.escape(BEGIN).replace(r"\{\}", rf"\S+-{kind}.json") + "\n.*?" + re.escape(END)
    text = "\n".join(lines)
    new = f"{BEGIN.format(newest(kind).name)}\n{text}\n\n{END}"
    done, count = re.subn(pattern, lambda _: new, page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE} needs one section of {kind} between {BEGIN!r} and {END!r}, has {count}")
    return done


def table(*heads: str) -> Iterator[str]:
    """The head of a table; what begins with a space is a number."""
    yield from ("", f"| {' | '.join(head.strip() for head in heads)} |")
    yield "|" + "|".join("---:" if head[0] == " " else "---" for head in heads) + "|"


def row(*cells: object) -> str:
    """A row of a table, with commas in large numbers."""
    return (
        "| "
        + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
        + " |"
    )


def promised() -> Iterator[str]:
    """A table for each area."""
    record = msgspec.json.decode(newest("promises").read_bytes(), type=Record)
    lines = list(promises(record.tests))
    for title, folders in AREAS.items():
        yield from ("", f"### {title}")
        yield from table("danger", "what happens", "test", " cases", "date")
        for line in lines:
            if line.tests[0].test.partition("/")[0] in folders:
                tests = ", ".join(f"`{one.test}`" for one in line.tests)
                cases = sum(one.passed for one in line.tests)
                yield row(line.danger, line.what_happens, tests, cases, record.machine.date)


def fuzzed() -> Iterator[str]:
    """All runs of each target, and their sums."""
    runs = msgspec.json.decode(newest("fuzz").read_bytes(), type=list[Campaign])
    by: dict[tuple[str, str], list[Campaign]] = {}
    for run in runs:
        by.setdefault((run.target.partition(":")[0], run.kind), []).append(run)
    yield from table("target", "texts", " executions", " hours", "found and mended", "until")
    for (target, kind), of_it in sorted(by.items()):
        findings = "; ".join(finding for run in of_it for finding in run.findings) or "nothing"
        hours = f"{sum(run.seconds for run in of_it) / 3600:.2f}"
        executions = sum(run.executions for run in of_it)
        yield row(target, kind, executions, hours, findings, max(run.date for run in of_it))
    of_core = sum(
        run.executions for (target, _), of_it in by.items() if target in CORE for run in of_it
    )
    rest = sum(run.executions for run in runs) - of_core
    yield ""
    yield f"Together {of_core:,} executions over framer and envelopes, and {rest:,} over the rest."


def remembered() -> Iterator[str]:
    """A row for each message and form of handler: all outcomes, and the worst of their figures."""
    memory = msgspec.json.decode(newest("memory").read_bytes(), type=Memory)
    by: dict[tuple[str, str], list[Growth]] = {}
    for name, one in memory.rows.items():
        message, _, form = name.split(", ")
        by.setdefault((message, form), []).append(one)
    yield from table(
        "message", "handler", " outcomes", " messages", " MB", " bytes a message", " descriptors"
    )
    for (message, form), rows in by.items():
        slope, error = max(
            (one.heap_by_message for one in rows if one.messages >= MANY), default=(0, 0)
        )
        yield row(
            message,
            form,
            len(rows),
            sum(one.messages for one in rows),
            f"{max(one.resident_mb[-1] for one in rows):.1f}",
            f"{slope:.3f} ± {error:.3f}",
            max(one.descriptors[-1] for one in rows),
        )
    growing = [name for name, one in memory.rows.items() if not one.flat]
    yield ""
    yield f"What grows: {', '.join(growing) or 'nothing'}. Measured on {memory.machine.date}."


def injected() -> Iterator[str]:
    """A table of what was injected where, and what happened."""
    faults = msgspec.json.decode(newest("faults").read_bytes(), type=Faults)
    yield from table("program", " faults", " injected", "what happened", " broken promises", "date")
    for name, one in faults.programs.items():
        outcomes: Counter[str] = Counter()
        for each in one.what.values():
            outcomes.update(each)
        broken = outcomes.pop("BROKEN", 0)
        said = ", ".join(f"{kind} {count:,}" for kind, count in sorted(outcomes.items()))
        yield row(name, one.faults, one.tried, said, broken, faults.machine.date)


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
