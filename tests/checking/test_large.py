"""What a plugin under check may send or write so that a check would not come to its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clnwire.checking.file import obstacles
from clnwire.checking.finding import TRACEBACK, Found, Report, last_traceback
from clnwire.checking.manifest import MOST_REFUSALS, check_accepted, refusals, report_refusals
from clnwire.host.rules.dialect import dialect_named
from clnwire.host.rules.manifest import HostManifest, ReservedNames

HEAD = f"{TRACEBACK}\n"
CURRENT = dialect_named("current")


@pytest.mark.parametrize(
    "part",
    [f" {HEAD}", '  File "x", line 1\n', '  File "', '  File "", line 1'],
    ids=["heads", "lines", "quotes", "numbers"],
)
def test_text_like_the_beginning_of_tracebacks_is_gone_through_once(part: str) -> None:
    # A search that began anew at each of them would take hours.
    many = part * 100_000
    assert last_traceback(f"x\n{many}\n\n{HEAD}  f()\nValueError: no") == (
        f"{HEAD}  f()\nValueError: no"
    )
    assert last_traceback(HEAD + many) == ""


def test_a_syntax_error_is_found() -> None:
    text = "  File \"a.py\", line 1\n    f(\n     ^\nSyntaxError: '(' was never closed"
    assert last_traceback(f"its stderr:\n{text}\n") == text


def test_empty_lines_before_an_import_are_gone_through_once(tmp_path: Path) -> None:
    file = tmp_path / "p.py"
    file.write_bytes(b"#!/usr/bin/env " + b"-S" * 10_000 + b"\n" + b"\n" * 60_000)
    file.chmod(0o755)
    assert [each.rule.name for each in obstacles(file)] == ["missing-interpreter"]


def test_as_many_refusals_are_reported_as_a_reader_can_use() -> None:
    entries = [{"name": f"m{number}"} for number in range(3_000)]
    text = json.dumps({"options": [], "rpcmethods": entries}).encode()
    errors = refusals("p", text, ReservedNames(), CURRENT)
    assert len(errors) == MOST_REFUSALS
    assert errors[-1].field == f"rpcmethods[{MOST_REFUSALS - 1}] (m{MOST_REFUSALS - 1}).usage"


@pytest.mark.parametrize("value", [b"1e999", b'"\\ud800"', b"[" * 5000 + b"]" * 5000])
def test_a_manifest_that_msgspec_refuses_is_reported(value: bytes) -> None:
    text = b'{"options":[{"name":"o","x":%b}],"rpcmethods":[]}' % value
    report = Report()
    report_refusals(Found(report, "current"), refusals("p", text, ReservedNames(), CURRENT), text)
    assert [each.where for each in report.findings] == ["manifest options[0] (o).type"]


def test_a_manifest_that_never_ends_is_reported() -> None:
    text = b"[" * 5000
    report = Report()
    report_refusals(Found(report, "current"), refusals("p", text, ReservedNames(), CURRENT), text)
    assert [each.where for each in report.findings] == ["manifest result"]


def test_each_topic_of_many_is_counted_once() -> None:
    topics = [f"t{number}" for number in range(100_000)]
    report = Report()
    check_accepted(
        Found(report, "current"), HostManifest(subscriptions=[*topics, *topics[:5]]), "current"
    )
    assert [each.where for each in report.findings] == [f"topic t{number}" for number in range(5)]
