"""`docs/reliability.md` says what the tests' marks promise, and what a recorded run has shown."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from tests.docs.generated import assert_current
from tests.docs.pages import ROOT

TESTS = ROOT / "tests"
AGAIN = "run `make reliability` where there is a real lightningd"


def test_the_page_is_current():
    assert_current("generate_reliability.py")


def test_the_record_is_of_todays_marks():
    newest = max((ROOT / "benches" / "results").glob("*-promises.json"))
    recorded = {
        (one["test"], *words)
        for one in json.loads(newest.read_bytes())["tests"]
        for words in one["promises"]
    }
    files = (file for file in TESTS.rglob("test_*.py") if ".mark.promise(" in file.read_text())
    assert recorded == {mark for file in files for mark in marks(file)}, AGAIN


def marks(file: Path) -> Iterator[tuple[str, ...]]:
    """Of each mark in a file: the test and the mark's words."""
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                test = f"{file.relative_to(TESTS)}::{function.name}"
                yield (test, *(ast.literal_eval(word) for word in mark.args))
