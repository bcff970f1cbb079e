"""Each rule is broken by a real little plugin, and by no other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from clnwire.checking import RULES, Limits, Report, Target, check
from clnwire.host.config import parse_words
from clnwire.host.rules.dialect import Name
from tests.checking.plugins import BROKEN, Broken
from tests.host.raw import write_plugin

LIMITS = Limits(timeout=20, slow_start=60)
HANGING = Limits(timeout=2, slow_start=60)
"""For plugins that do not answer or end."""


def checked(
    path: Path,
    *options: str,
    limits: Limits = LIMITS,
    dialects: Sequence[Name] = ("current", "2019"),
) -> Report:
    target = Target(path, options=parse_words(options))
    return asyncio.run(check(target, dialects, limits))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.code)
def test_a_plugin_that_breaks_one_rule(tmp_path: Path, broken: Broken) -> None:
    limits = HANGING if broken.hangs else LIMITS
    if broken.code == "CW207":
        limits = Limits(timeout=20, slow_start=1)
    report = checked(write_plugin(tmp_path, broken.body), limits=limits, dialects=broken.checked_in)
    found = {(finding.rule.code, finding.where): finding for finding in report.findings}
    assert (broken.code, broken.where) in found, report
    finding = found[broken.code, broken.where]
    assert broken.words in finding.message + finding.excerpt
    assert finding.dialects == (broken.dialects or finding.dialects)
    assert {code for code, _ in found} - set(broken.others) == {broken.code}, report


def test_each_rule_is_broken_by_a_plugin() -> None:
    assert [broken.code for broken in BROKEN] == [rule.code for rule in RULES]


SILENT = f"""#!{sys.executable}
from clnwire import Plugin

plugin = Plugin()

async def look(event: object) -> None: ...

@plugin.subscribe("connect")
def on_connect(event: object) -> object:
    return look(event)

plugin.run()
"""


def test_a_subscription_that_awaits_nothing_is_found(tmp_path: Path) -> None:
    path = tmp_path / "silent.py"
    path.write_text(SILENT)
    path.chmod(0o755)
    findings = {
        (finding.rule.code, finding.where): finding.message
        for finding in checked(path, dialects=("current",)).findings
    }
    assert "returned a coroutine: `await` is missing" in findings["CW406", "topic connect"]
