"""The cases that are measured: each has a pattern of requests and their content."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clnwire.bench.load.messages import CONTINUE

from . import payloads
from .payloads import ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .payloads import Settings

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000, "1 MB": 1_000_000}
"""Name → the size of a `db_write` in bytes."""

WINDOW = 64
CAPTURE = "recorded db_writes"


@dataclass(frozen=True)
class Case:
    """A case to measure, or a legal message to try.

    `plugin` selects a peer's plugin: `writes` has the hook `db_write` alone, since that allows no
    others; `node` has another hook, a method and a subscription.
    """

    name: str
    plugin: str
    settings: Callable[[], Settings]
    """Makes the content when it is needed."""
    repeats: int = 1
    """The number of runs in a round."""


def cases() -> list[Case]:
    """The cases that can be measured on this machine."""
    return [case for case in [*_writes(), *_node(), _start()] if case.name not in skipped()]


def skipped() -> dict[str, str]:
    """Case → why it cannot be measured on this machine."""
    path = _recording()
    return {} if path.exists() else {CAPTURE: f"the recording is not here: shared/{path.name}"}


def probes() -> list[Case]:
    """Legal messages that some peers do not survive."""
    large = partial(payloads.db_write, 1_000_000)
    return [
        Case("a blank line inside an object", "node", _with(payloads.blank_line, **ONCE)),
        Case("db_write before init", "writes", _with(payloads.early_db_write, **ONCE)),
        Case("a message of 1 MB", "writes", _with(large, **ONCE)),
    ]


def round_trip(size: str) -> str:
    """The case's name."""
    return f"db_write, {size}"


ESCAPES, BEYOND_ASCII = "escapes", "beyond ASCII"
"""What strings may have that takes longer."""


def round_trip_with(size: str, form: str) -> str:
    """The case's name."""
    return f"{round_trip(size)}, {form}"


def window(size: str) -> str:
    """The case's name."""
    return f"db_write, {size}, {WINDOW} in flight"


FLOOD = "notifications"
METHOD = "method"
METHODS = f"method, {WINDOW} in flight"
HTLC = "htlc_accepted"
START = "start"


def _writes() -> list[Case]:
    return [
        *(Case(round_trip(size), "writes", _db_write(size)) for size in SIZES),
        *(
            Case(round_trip_with(size, form), "writes", partial(make, SIZES[size]))
            for form, make in (
                (ESCAPES, payloads.db_write_with_escapes),
                (BEYOND_ASCII, payloads.db_write_beyond_ascii),
            )
            for size in SIZES
        ),
        *(Case(window(size), "writes", _many(_db_write(size))) for size in ("0.4 kB", "2.4 kB")),
        Case(CAPTURE, "writes", _recorded),
    ]


def _node() -> list[Case]:
    return [
        Case(FLOOD, "node", _with(payloads.flood, window=WINDOW)),
        Case(METHOD, "node", payloads.total),
        Case(METHODS, "node", _many(payloads.total)),
        Case(HTLC, "node", payloads.htlc),
    ]


def _start() -> Case:
    return Case(START, "start", _with(_db_write("0.4 kB"), count=10, warm_up=0), repeats=3)


def _db_write(size: str) -> Callable[[], Settings]:
    return partial(payloads.db_write, SIZES[size])


def _many(make: Callable[[], Settings]) -> Callable[[], Settings]:
    return _with(make, mode="window", window=WINDOW)


def _with(make: Callable[[], Settings], **more: object) -> Callable[[], Settings]:
    return lambda: {**make(), **more}


def _recorded() -> Settings:
    requests = payloads.recorded(_recording(), "db_write")
    return {"mode": "one", "requests": requests, "expect": CONTINUE}


def _recording() -> Path:
    shared = Path(os.environ.get("CLNWIRE_SHARED", ROOT.parent / "shared"))
    return shared / "captures" / "db_write.jsonl.gz"
