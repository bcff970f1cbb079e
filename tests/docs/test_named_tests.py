"""The tests that tables of the docs name exist, and each row names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT

TABLES = [
    ("security.md", ROOT / "tests", 25),
    ("host.md", ROOT / "tests" / "host", 60),
    ("replica-failures.md", ROOT / "tests", 60),
]
"""A page, the folder that its names are relative to, and how many names there are at least."""
ANNOUNCED = re.compile(r"## (?:\w+ and their tests|What is done)\n")
HEADING = re.compile(r"(?<=\n)\|[^\n]*\|\n\|[-| ]+\|\n")


def rows(page: str) -> list[str]:
    """The rows of the tables, without their headings: of all, or of those that are announced."""
    text = HEADING.sub("", ANNOUNCED.split((DOCS / page).read_text())[-1])
    return [line for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize(("page", "folder", "least"), TABLES, ids=["security", "host", "replica"])
def test_each_row_names_tests_that_exist(page: str, folder: Path, least: int) -> None:
    named = [re.findall(r"`([\w/]+\.py)::(test_\w+)`", row) for row in rows(page)]
    without = [row for row, tests in zip(rows(page), named, strict=True) if not tests]
    assert without == []
    all_named = {each for tests in named for each in tests}
    missing = [
        f"{file}::{test}"
        for file, test in sorted(all_named)
        if f"def {test}(" not in (folder / file).read_text()
    ]
    assert missing == []
    assert len(all_named) >= least
