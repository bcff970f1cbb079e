"""The budgets of clnwire, relative to the floor and the other SDKs in the same run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cases import BEYOND_ASCII, ESCAPES, FLOOD, METHOD, START, round_trip, round_trip_with, window
from .results import BARE, CLNWIRE, DROP_IN, FLOOR, PYLN, RAW

if TYPE_CHECKING:
    from .results import Results

LIBPLUGIN = "libplugin"
"""Ratios of libplugin to a floor that was measured with it. The C SDK is part of the daemon and
cannot be installed alone, so these are quoted. Of the floor's range, the end that favours libplugin
counts."""

OURS = (CLNWIRE, RAW, DROP_IN)
NO_SDK = (FLOOR, BARE, *OURS)


@dataclass(frozen=True)
class Budget:
    """A limit for one figure: a ratio to the floor or to pyln-client, or a difference from it."""

    name: str
    case: str
    figure: str
    unit: str
    peer: str = CLNWIRE
    more_is_better: bool = False
    floor: float | None = None
    floor_excess: float | None = None
    pyln: float | None = None
    libplugin: float | None = None
    """libplugin's ratio to the floor."""

    def text(self) -> str:
        sign = "≥" if self.more_is_better else "≤"
        parts = []
        if self.floor is not None:
            parts.append(f"{sign} {self.floor:g} × floor")
        if self.floor_excess is not None:
            parts.append(f"{sign} floor + {self.floor_excess:g} {self.unit}")
        if self.pyln is not None:
            parts.append(f"{sign} {self.pyln:g} × pyln-client")
        return ", ".join(parts)


@dataclass(frozen=True)
class Verdict:
    """A budget and its result."""

    budget: Budget
    value: float | None
    to_floor: float | None
    to_pyln: float | None
    met: bool | None
    """`None` if a figure that the budget needs is missing."""
    better: tuple[str, ...]
    """The other SDKs that are better than clnwire."""

    def text(self) -> str:
        return {None: "not measured", True: "met", False: "**missed**"}[self.met]


def _round_trips() -> list[Budget]:
    # Ratios of libplugin: 16, 37, 124 and 7,900 µs, with a floor of 5.7, 5.9, 10 and 350 µs.
    typed = {"0.4 kB": (1.4, 2.8), "2.4 kB": (1.5, 6.3), "12 kB": (1.8, 12.4), "1 MB": (2.5, 22.6)}
    rows = [
        Budget(
            f"{name}, {size}",
            round_trip(size),
            "p50_us",
            "µs",
            peer=peer,
            floor=limit if peer == CLNWIRE else 1.3,
            libplugin=libplugin,
        )
        for peer, name in ((CLNWIRE, "round trip, typed"), (RAW, "round trip, Raw"))
        for size, (limit, libplugin) in typed.items()
    ]
    limits = {"0.4 kB": 1.6, "2.4 kB": 1.8, "12 kB": 2.2, "1 MB": 3.0}
    rows += [
        Budget(
            f"round trip, typed, {size}, {form}",
            round_trip_with(size, form),
            "p50_us",
            "µs",
            floor=limit,
        )
        for form in (ESCAPES, BEYOND_ASCII)
        for size, limit in limits.items()
    ]
    slowest = [
        Budget(f"99.9 % round trip, {size}", round_trip(size), "p999_us", "µs", floor=1.6)
        for size in ("0.4 kB", "2.4 kB", "12 kB")
    ]
    return [*rows, *slowest]


def _throughput() -> list[Budget]:
    # libplugin's 165,000/s, with a floor of 400,000/s at least.
    ratios = {"0.4 kB": 0.41, "2.4 kB": None}
    windows = [
        Budget(
            f"window of 64, {size}",
            window(size),
            "messages_per_second",
            "/s",
            more_is_better=True,
            floor=0.7,
            pyln=35,
            libplugin=ratio,
        )
        for size, ratio in ratios.items()
    ]
    flood = Budget(
        "notifications", FLOOD, "messages_per_second", "/s", more_is_better=True, floor=0.6
    )
    return [*windows, flood]


def _drop_in() -> list[Budget]:
    """The plugins of pyln-client, unchanged, on clnwire."""

    def budget(name: str, case: str, figure: str, unit: str, pyln: float) -> Budget:
        faster = figure == "messages_per_second"
        name = f"{name}, drop-in"
        return Budget(name, case, figure, unit, DROP_IN, more_is_better=faster, pyln=pyln)

    many = "messages_per_second"
    return [
        *(
            budget(f"round trip, {size}", round_trip(size), "p50_us", "µs", 0.25)
            for size in ("0.4 kB", "2.4 kB", "12 kB")
        ),
        budget("window of 64, 0.4 kB", window("0.4 kB"), many, "/s", 8),
        budget("notifications", FLOOD, many, "/s", 6),
        budget("method, round trip", METHOD, "p50_us", "µs", 0.25),
        budget("exec to manifest", START, "manifest_ms", "ms", 0.6),
        budget("peak memory, idle", START, "idle_memory_kb", "kB", 0.6),
    ]


BUDGETS = [
    *_round_trips(),
    *_throughput(),
    Budget("method, round trip", METHOD, "p50_us", "µs", floor=1.7),
    Budget("CPU a message, 0.4 kB", round_trip("0.4 kB"), "processor_us", "µs", floor_excess=2),
    Budget("exec to manifest", START, "manifest_ms", "ms", pyln=0.55),
    Budget("peak memory, idle", START, "idle_memory_kb", "kB", pyln=0.5),
    *_drop_in(),
]


def judge(results: Results) -> list[Verdict]:
    """All budgets, in order."""
    return [_judge(results, budget) for budget in BUDGETS]


def _judge(results: Results, budget: Budget) -> Verdict:
    value = results.value(budget.case, budget.peer, budget.figure)
    floor = results.value(budget.case, FLOOR, budget.figure)
    pyln = results.value(budget.case, PYLN, budget.figure)
    limits = [
        (budget.floor, floor, 0.0),
        (None if budget.floor_excess is None else 1.0, floor, budget.floor_excess or 0.0),
        (budget.pyln, pyln, 0.0),
    ]
    judged = [
        _holds(budget, value, None if base is None else base * factor + excess)
        for factor, base, excess in limits
        if factor is not None
    ]
    met = None if None in judged else all(judged)
    to_floor, to_pyln = ratio(value, floor), ratio(value, pyln)
    return Verdict(budget, value, to_floor, to_pyln, met, _better(results, budget, value, to_floor))


def _holds(budget: Budget, value: float | None, limit: float | None) -> bool | None:
    if value is None or limit is None:
        return None
    return value >= limit if budget.more_is_better else value <= limit


def ratio(value: float | None, base: float | None) -> float | None:
    """The quotient; `None` if a figure is missing."""
    return value / base if value is not None and base else None


def _better(
    results: Results, budget: Budget, value: float | None, to_floor: float | None
) -> tuple[str, ...]:
    if value is None:
        return ()
    rivals = {
        name: results.value(budget.case, name, budget.figure)
        for name in results.peers
        if name not in NO_SDK
    }
    ahead = [name for name, other in rivals.items() if _holds(budget, value, other) is False]
    if to_floor is not None and _holds(budget, to_floor, budget.libplugin) is False:
        ahead.append(LIBPLUGIN)
    return tuple(ahead)
