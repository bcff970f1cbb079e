"""The results of a run of the suite, and their file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from clnwire.bench.load import Figures

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""Increased when older files can no longer be read."""

FLOOR = "floor"
CLNWIRE = "clnwire"
RAW = "clnwire, Raw"
PYLN = "pyln-client"
DROP_IN = "clnwire for pyln-client"
BARE = "Python alone"


class FormatError(ValueError):
    """A file without results or with results of another format; or a page without marks."""


class Outcome(msgspec.Struct):
    """The outcome of one case."""

    figures: dict[str, Figures] = msgspec.field(default_factory=dict)
    died: dict[str, str] = msgspec.field(default_factory=dict)
    """Peer → how it failed."""


class Machine(msgspec.Struct, frozen=True):
    """The machine of the measurement."""

    cpu: str
    system: str
    cores: int
    python: str
    rust: str
    date: str
    commit: str
    """clnwire's commit, with a `+` if the worktree had changes."""


class Method(msgspec.Struct, frozen=True):
    """How the figures were measured."""

    rounds: int
    seconds: float
    """The length of each run in seconds, without warm-up."""
    core: int
    load: float = 0
    """The number of other running processes before the run."""


class Results(msgspec.Struct):
    """All results of a run."""

    machine: Machine
    method: Method
    peers: dict[str, str]
    """Peer → its version."""
    absent: dict[str, str]
    """Peer → why it is absent."""
    cases: dict[str, Outcome]
    skipped: dict[str, str]
    """Case → why it was skipped."""
    legal: dict[str, dict[str, str]]
    """Legal message → peer → how the peer failed; an empty text if it did not."""
    format: int = FORMAT

    def value(self, case: str, peer: str, figure: str) -> float | None:
        """A figure; `None` if it was not measured."""
        outcome = self.cases.get(case)
        figures = outcome.figures.get(peer) if outcome else None
        return None if figures is None else float(getattr(figures, figure))

    def fate(self, case: str, peer: str) -> str:
        """How the peer ended in a case that it did not survive; an empty text if it did."""
        outcome = self.cases.get(case)
        return fate(outcome.died.get(peer, "") if outcome else "")

    def file_name(self) -> str:
        """The name of the file for these results."""
        return f"{self.machine.date}-{slug(self.machine.cpu)}.json"


def fate(why: str) -> str:
    """`died` or `failed`, according to the reason; an empty text without one."""
    if not why:
        return ""
    return "died" if "the plugin died" in why else "failed"


def slug(cpu: str) -> str:
    """A processor's name for file names: `intel-xeon` for `Intel(R) Xeon(R) CPU @ 2.20GHz`."""
    text = re.sub(r"\((r|tm)\)|@.*|\b(cpu|processor|\d+-core)\b", " ", cpu.lower())
    return "-".join(re.findall(r"[a-z0-9]+", text)) or "unknown"


def save(results: Results, path: Path) -> None:
    """Writes the file with one figure per line, so that its changes are readable."""
    text = msgspec.json.format(msgspec.json.encode(results), indent=1)
    path.write_bytes(text + b"\n")


def load(path: Path) -> Results:
    """Reads the file. Raises `FormatError` if it has another format or no results of the suite."""
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except msgspec.MsgspecError as error:
        raise FormatError(f"{path}: no result of this suite: {error}") from error
    if results.format != FORMAT:
        raise FormatError(f"{path}: format {results.format}, but this suite reads {FORMAT}")
    return results
