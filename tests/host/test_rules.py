"""The table of rules in the documentation names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
RULES = (HERE.parents[1] / "docs/host-rules.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", RULES)))


def test_all_named_tests_exist() -> None:
    missing = [
        f"{file}::{test}" for file, test in NAMED if f"def {test}(" not in (HERE / file).read_text()
    ]
    assert missing == []
    assert len(NAMED) > 60


def test_each_rule_names_a_test() -> None:
    rows = [line for line in RULES.splitlines() if line.startswith("| ")]
    headings = ("| the daemon |", "| rule |", "| for |")
    without = [row for row in rows if "::test_" not in row and not row.startswith(headings)]
    assert without == []
