"""The tables say what was measured, what died, and what is absent."""

from __future__ import annotations

import msgspec
from benches.suite import tables
from benches.suite.cases import round_trip

from tests.benches.sample import results


def rows(table: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in table.splitlines()]


def test_a_peer_is_compared_with_clnwire():
    table = tables.round_trips(results(floor=5, clnwire=10, pyln_client=125.4))
    assert rows(table)[2:] == [
        ["the floor (native, answers a constant)", *["5.00 µs (0.50×)"] * 4],
        ["clnwire, typed", *["10.0 µs"] * 4],
        ["pyln-client 1.2.3", *["125 µs (13×)"] * 4],
    ]


def test_one_that_died_is_shown_with_the_reason():
    report = results(floor=5, clnwire=10, clightningjs=50)
    case = report.cases[round_trip("1 MB")]
    del case.figures["clightningjs"]
    case.died["clightningjs"] = "the plugin died (exit status: 1)"
    report.legal["a blank line"]["clightningjs"] = "a blank line: the plugin says nothing"
    text = tables.everything(report)
    assert rows(tables.round_trips(report))[-1][-1] == "died"
    assert rows(tables.legal(report).split("\n\n")[0])[-1] == ["clightningjs 1.2.3", "failed"]
    assert "- clightningjs, db_write, 1 MB: the plugin died (exit status: 1)\n" in text
    assert "- clightningjs, a blank line: the plugin says nothing\n" in text


def test_nothing_is_left_out_in_silence():
    report = results(floor=5, clnwire=10)
    report.skipped["recorded db_writes"] = "the recording is not here"
    caveats = " ".join(tables.caveats(report).split())
    assert "Absent: glightning: no module." in caveats
    assert "Not measured: recorded db_writes: the recording is not here." in caveats
    assert tables.everything(report).startswith(tables.caveats(report))
    for fact in ("2026-11-25", "Xeon", "2 cores", "CPython 3.11.7", "Rust 1.95.0", "abcdef0"):
        assert fact in caveats


def test_a_busy_machine_is_a_caveat():
    report = results(floor=5, clnwire=10)
    assert "other work" not in tables.caveats(report)
    report.method = msgspec.structs.replace(report.method, load=3.5)
    assert "(a load of 3.5)" in " ".join(tables.caveats(report).split())


def test_all_rows_of_a_table_are_as_long():
    report = results(floor=5, clnwire=10, pyln_client=100)
    found = [part for part in tables.everything(report).split("\n\n") if part.startswith("|")]
    assert len(found) == 6
    for table in found:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_readmes_table_has_units():
    summary = rows(tables.summary(results(floor=5, clnwire=10)))
    assert summary[-1] == [
        "clnwire, typed",
        "10.0 µs",
        "10.0 µs",
        "100,000/s",
        "10.0 ms",
        "10.0 MB",
    ]
