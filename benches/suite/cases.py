"""What is measured: each case is a way of asking and what is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000, "1 MB": 1_000_000}
"""Name → bytes of a `db_write`."""

WINDOW = 64
CAPTURE = "recorded db_writes"
CONTINUE = '{"result":"continue"}'


@dataclass(frozen=True)
class Case:
    """One thing to measure, or to find out about.

    `plugin` says which of a peer's plugins is asked: `writes` has the hook `db_write`, which a
    plugin must not have beside others; `node` has another hook, a method and a subscription.
    """

    name: str
    plugin: str
    arguments: tuple[str, ...]
    repeats: int = 1
    """How often in a round."""


def cases() -> list[Case]:
    """Those that can be measured here."""
    return [case for case in [*_writes(), *_node(), _start()] if case.name not in skipped()]


def skipped() -> dict[str, str]:
    """Case → why it cannot be measured here."""
    path = _recording()
    return {} if path.exists() else {CAPTURE: f"the recording is not here: shared/{path.name}"}


def probes() -> list[Case]:
    """Legal messages that not every peer survives."""
    once = ("--count", "1", "--warm-up", "0")
    early = ("--payload", "db-write", "--early-writes", "1", *once)
    return [
        Case("a blank line inside an object", "node", ("--payload", "blank-line", *once)),
        Case("db_write before init", "writes", early),
        Case("a message of 1 MB", "writes", ("--payload", "db-write", "--size", "1000000", *once)),
    ]


def round_trip(size: str) -> str:
    """The name of that case."""
    return f"db_write, {size}"


def window(size: str) -> str:
    """The name of that case."""
    return f"db_write, {size}, {WINDOW} in flight"


FLOOD = "notifications"
METHOD = "method"
METHODS = f"method, {WINDOW} in flight"
HTLC = "htlc_accepted"
START = "start"


def _writes() -> list[Case]:
    many = ("--mode", "window", "--window", str(WINDOW))
    recorded = ("--payload", "capture", "--capture", str(_recording()), "--expect", CONTINUE)
    return [
        *(Case(round_trip(size), "writes", _db_write(size)) for size in SIZES),
        *(Case(window(size), "writes", (*_db_write(size), *many)) for size in ("0.4 kB", "2.4 kB")),
        Case(CAPTURE, "writes", recorded),
    ]


def _node() -> list[Case]:
    flood = ("--mode", "flood", "--window", str(WINDOW), "--payload", "total")
    many = ("--mode", "window", "--window", str(WINDOW), "--payload", "total")
    return [
        Case(FLOOD, "node", flood),
        Case(METHOD, "node", ("--payload", "total")),
        Case(METHODS, "node", many),
        Case(HTLC, "node", ("--payload", "htlc")),
    ]


def _start() -> Case:
    once = ("--payload", "db-write", "--count", "10", "--warm-up", "0")
    return Case(START, "start", once, repeats=3)


def _db_write(size: str) -> tuple[str, ...]:
    return ("--payload", "db-write", "--size", str(SIZES[size]))


def _recording() -> Path:
    shared = Path(os.environ.get("CLNWIRE_SHARED", ROOT.parent / "shared"))
    return shared / "captures" / "db_write.jsonl.gz"
