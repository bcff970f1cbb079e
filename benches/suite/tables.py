"""Results as Markdown."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from clnwire.bench.format import number

from .budgets import NO_SDK, judge
from .cases import (
    CAPTURE,
    FLOOD,
    HTLC,
    METHOD,
    METHODS,
    SIZES,
    START,
    WINDOW,
    round_trip,
    window,
)
from .results import BARE, CLNWIRE, DROP_IN, FLOOR, RAW, fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .results import Results

NAMES = {
    FLOOR: "the floor (native, answers a constant)",
    CLNWIRE: "clnwire, typed",
    RAW: "clnwire, `msgspec.Raw`",
    DROP_IN: "clnwire, a plugin of pyln-client",
}
BUDGETS = """\
Budgets: what clnwire is to reach in the same run. The ratios are clnwire's figure divided by the
other's; the last column names the SDKs that do better than clnwire:"""


def everything(results: Results) -> str:
    """The caveats, and all tables."""
    parts = [
        caveats(results),
        "Median round trip, one message in flight; in brackets what multiple of clnwire's it is:",
        round_trips(results),
        f"Messages a second, {WINDOW} in flight, and megabytes a second with one of 1 MB:",
        throughput(results),
        "Other round trips, median:",
        others(results),
        "What a plugin takes of the machine:",
        costs(results),
        "Legal messages that not every plugin survives:",
        legal(results),
        BUDGETS,
        budgets(results),
    ]
    return "\n\n".join(part for part in parts if part)


def caveats(results: Results) -> str:
    """The caveats before the figures."""
    machine, method = results.machine, results.method
    versions = [f"{name} {results.peers[name]}" for name in results.peers if name not in NO_SDK]
    parts = [
        f"Measured on {machine.date} on one shared machine ({machine.cpu}, {machine.cores} cores,",
        f"{machine.system}), CPython {machine.python}, Rust {machine.rust}: clnwire",
        f"{', '.join([f'{results.peers[CLNWIRE]} ({machine.commit})', *versions])}.",
        "Such a machine's speed changes from minute to minute: ratios within one run are what to",
        f"quote. Medians of {method.rounds} rounds of {method.seconds:g} s, peers in turn, plugin",
        "and load generator on one core, every answer checked. The handlers do nothing; yours",
        "will take longer. libplugin, the SDK in C, is a part of the daemon and was not measured",
        "in this run: where it is compared, its ratio to the floor is quoted from another one.",
    ]
    if method.load >= 1:
        parts.append(
            f"The machine had other work meanwhile (a load of {method.load:g}): medians of round "
            "trips and CPU times bear that, but not messages a second, starts, and 99.9 %."
        )
    parts += [f"Absent: {name}: {why}." for name, why in results.absent.items()]
    parts += [f"Not measured: {case}: {why}." for case, why in results.skipped.items()]
    return paragraph(parts)


def paragraph(parts: Iterable[str]) -> str:
    """The text in lines short enough for a page's source."""
    return textwrap.fill(" ".join(parts), 99, break_long_words=False, break_on_hyphens=False)


def round_trips(results: Results) -> str:
    return _cases(results, {size: (round_trip(size), "p50_us", " µs") for size in SIZES})


def throughput(results: Results) -> str:
    many = "messages_per_second"
    columns = {
        "`db_write`, 0.4 kB": (window("0.4 kB"), many, ""),
        "2.4 kB": (window("2.4 kB"), many, ""),
        "method": (METHODS, many, ""),
        "notifications": (FLOOD, many, ""),
        "`db_write`, 1 MB": (round_trip("1 MB"), "megabytes_per_second", " MB/s"),
    }
    return _cases(results, columns)


def others(results: Results) -> str:
    columns = {
        "method, two ints to a dict": (METHOD, "p50_us", " µs"),
        "`htlc_accepted`, 3.5 kB": (HTLC, "p50_us", " µs"),
        "recorded `db_write`s": (CAPTURE, "p50_us", " µs"),
    }
    return _cases(results, columns)


def costs(results: Results) -> str:
    """The CPU time per message, the slowest round trips, and the start and idle memory of each
    peer."""
    small = round_trip("0.4 kB")
    columns = {
        "CPU a message, 0.4 kB": (small, "processor_us", " µs"),
        "99.9 % round trip, 0.4 kB": (small, "p999_us", " µs"),
        "from exec to manifest": (START, "manifest_ms", " ms"),
        "peak memory, idle": (START, "idle_memory_kb", " MB"),
    }
    rows = [
        [_name(results, peer), *(_plain(results, peer, *column) for column in columns.values())]
        for peer in results.peers
        if any(results.value(case, peer, figure) for case, figure, _ in columns.values())
    ]
    return table(["", *columns], rows)


def legal(results: Results) -> str:
    peers = [peer for peer in results.peers if any(peer in row for row in results.legal.values())]
    rows = [
        [_name(results, peer), *(_survived(row.get(peer)) for row in results.legal.values())]
        for peer in peers
    ]
    heads = ["", *(name.replace("db_write", "`db_write`") for name in results.legal)]
    return "\n\n".join(part for part in (table(heads, rows), deaths(results)) if part)


def deaths(results: Results) -> str:
    """The peers that died or failed, and how."""
    found = {name: row for name, row in results.legal.items() if any(row.values())}
    found |= {name: case.died for name, case in results.cases.items() if case.died}
    return "\n".join(
        f"- {peer}, {name}: {why.removeprefix(f'{name}: ')}"
        for name, row in found.items()
        for peer, why in row.items()
        if why
    )


def budgets(results: Results) -> str:
    rows = [
        [
            verdict.budget.name,
            number(verdict.value, f" {verdict.budget.unit}".replace(" /s", "/s")),
            _ratio(verdict.to_floor),
            _ratio(verdict.to_pyln),
            verdict.budget.text(),
            verdict.text(),
            ", ".join(verdict.better) or "none",
        ]
        for verdict in judge(results)
        if verdict.budget.peer in results.peers
    ]
    head = ["figure", "clnwire", "÷ floor", "÷ pyln-client", "budget", "", "better"]
    return table(head, rows)


def summary(results: Results) -> str:
    """Four figures for each peer, for the README."""
    columns = {
        "round trip, 0.4 kB": (round_trip("0.4 kB"), "p50_us", " µs"),
        "2.4 kB": (round_trip("2.4 kB"), "p50_us", " µs"),
        "64 in flight": (window("0.4 kB"), "messages_per_second", "/s"),
        "exec to manifest": (START, "manifest_ms", " ms"),
        "idle memory": (START, "idle_memory_kb", " MB"),
    }
    rows = [
        [_name(results, peer), *(_plain(results, peer, *column) for column in columns.values())]
        for peer in results.peers
        if peer not in (BARE, RAW)
    ]
    return table(["", *columns], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("|  |", "| |")


def _cases(results: Results, columns: dict[str, tuple[str, str, str]]) -> str:
    """Peers as rows and cases as columns, without the cases that were skipped."""
    present = {name: what for name, what in columns.items() if what[0] in results.cases}
    rows = [
        [_name(results, peer), *(_compared(results, peer, *what) for what in present.values())]
        for peer in results.peers
        if any(_takes_part(results, peer, case) for case, _, _ in present.values())
    ]
    return table(["", *present], rows)


def _takes_part(results: Results, peer: str, case: str) -> bool:
    outcome = results.cases[case]
    return peer in outcome.figures or peer in outcome.died


def _compared(results: Results, peer: str, case: str, figure: str, unit: str) -> str:
    """A figure and its ratio to clnwire's; or how the peer failed."""
    value, ours = results.value(case, peer, figure), results.value(case, CLNWIRE, figure)
    text = _plain(results, peer, case, figure, unit)
    return text if peer == CLNWIRE or not value or not ours else f"{text} ({_ratio(value / ours)}×)"


def _plain(results: Results, peer: str, case: str, figure: str, unit: str) -> str:
    """A figure; or how the peer failed."""
    value = results.value(case, peer, figure)
    if value is not None and unit == " MB":
        value /= 1000
    return results.fate(case, peer) or number(value, unit)


def _name(results: Results, peer: str) -> str:
    known = NAMES.get(peer)
    return known or f"{peer} {results.peers[peer]}"


def _survived(why: str | None) -> str:
    return "–" if why is None else fate(why) or "answered"


def _ratio(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
