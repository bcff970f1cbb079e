"""What a run of the tests that show promises records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.promise("a danger", "what happens")
@pytest.mark.parametrize("case", range(3))
def test_shown(case):
    if case == 2:
        pytest.skip("needs make")

def test_without():
    assert False

@pytest.mark.promise("a danger")
def test_more():
    assert {more}
"""


@pytest.mark.parametrize("succeeds", [True, False])
def test_what_passed_is_recorded_unless_something_failed(tmp_path: Path, succeeds: bool) -> None:
    (tmp_path / "test_some.py").write_text(TESTS.format(more=succeeds))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = promise: x\n")
    file = tmp_path / "record.json"
    options = ["-p", "tests.promises", "-p", "no:cacheprovider", "--promises", file]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode == 0) is succeeds, run.stdout
    assert file.exists() is succeeds
    if succeeds:
        record = json.loads(file.read_bytes())
        assert {"system", "date", "commit", "python"} < record["machine"].keys()
        shown, more = ({**test, "test": test["test"].split("::")[1]} for test in record["tests"])
        assert shown.pop("line") < more.pop("line")
        danger = "a danger"
        assert shown == {
            "test": "test_shown",
            "promises": [[danger, "what happens"]],
            "passed": 2,
            "skipped": 1,
        }
        assert more == {"test": "test_more", "promises": [[danger]], "passed": 1, "skipped": 0}
