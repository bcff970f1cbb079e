"""What a run of the suite leaves behind, and its file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from clnwire.bench.load import Figures  # noqa: TC001 - msgspec reads it

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""Goes up when older files can no longer be read."""

FLOOR = "floor"
CLNWIRE = "clnwire"
RAW = "clnwire, Raw"
PYLN = "pyln-client"
BARE = "Python alone"


class FormatError(ValueError):
    """A file that holds no results, or those of another format; a page without marks."""


class Outcome(msgspec.Struct):
    """One case."""

    figures: dict[str, Figures] = msgspec.field(default_factory=dict)
    died: dict[str, str] = msgspec.field(default_factory=dict)
    """Peer → how it failed."""


class Machine(msgspec.Struct, frozen=True):
    """What was measured on."""

    cpu: str
    system: str
    cores: int
    python: str
    rust: str
    date: str
    commit: str
    """clnwire's; with a `+` if something was changed since."""


class Method(msgspec.Struct, frozen=True):
    """How was measured."""

    rounds: int
    seconds: float
    """Each run's, without warm-up."""
    core: int
    load: float = 0
    """How many processes of others ran before it all."""


class Results(msgspec.Struct):
    """All of it."""

    machine: Machine
    method: Method
    peers: dict[str, str]
    """Peer → version."""
    absent: dict[str, str]
    """Peer → why."""
    cases: dict[str, Outcome]
    skipped: dict[str, str]
    """Case → why."""
    legal: dict[str, dict[str, str]]
    """Legal message → peer → how it failed; an empty text if it did not."""
    format: int = FORMAT

    def value(self, case: str, peer: str, figure: str) -> float | None:
        """A figure, or nothing if it was not measured."""
        outcome = self.cases.get(case)
        figures = outcome.figures.get(peer) if outcome else None
        return None if figures is None else float(getattr(figures, figure))

    def fate(self, case: str, peer: str) -> str:
        """How a peer ended in a case that it did not live through; nothing if it did."""
        outcome = self.cases.get(case)
        return fate(outcome.died.get(peer, "") if outcome else "")

    def file_name(self) -> str:
        """Under which it is kept."""
        return f"{self.machine.date}-{slug(self.machine.cpu)}.json"


def fate(why: str) -> str:
    """`died` or `failed`, by the reason why, or nothing if there is none."""
    if not why:
        return ""
    return "died" if "the plugin died" in why else "failed"


def slug(cpu: str) -> str:
    """A processor's name for file names: `Intel(R) Xeon(R) CPU @ 2.20GHz` → `intel-xeon`."""
    text = re.sub(r"\((r|tm)\)|@.*|\b(cpu|processor|\d+-core)\b", " ", cpu.lower())
    return "-".join(re.findall(r"[a-z0-9]+", text)) or "unknown"


def save(results: Results, path: Path) -> None:
    """Writes the file, one figure a line so that changes can be read."""
    text = msgspec.json.format(msgspec.json.encode(results), indent=1)
    path.write_bytes(text + b"\n")


def load(path: Path) -> Results:
    """Reads the file.

    Raises FormatError if it is of another format, or no result of the suite.
    """
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except msgspec.MsgspecError as error:
        raise FormatError(f"{path}: no result of this suite: {error}") from error
    if results.format != FORMAT:
        raise FormatError(f"{path}: format {results.format}, but this suite reads {FORMAT}")
    return results
