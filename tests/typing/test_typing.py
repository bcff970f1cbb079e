"""Both type checkers agree: what is right has the types it should, each mistake is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def mypy(file: Path) -> dict[int, str]:
    """Line → what mypy says."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = re.findall(rf"{file.name}:(\d+): error: (.*)", run.stdout)
    assert bool(found) == bool(run.returncode), run.stdout
    return {int(line): text for line, text in found}


def basedpyright(file: Path) -> dict[int, str]:
    """Line → what basedpyright says."""
    run = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    report = json.loads(run.stdout)["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in report}


CHECKERS = pytest.mark.parametrize("checker", [mypy, basedpyright], ids=lambda c: c.__name__)


@CHECKERS
def test_what_is_right(checker):
    assert checker(HERE / "good.py") == {}


@CHECKERS
def test_each_mistake_is_found(checker):
    file = HERE / "bad.py"
    lines = file.read_text().splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if "# mistake:" in line}
    assert set(checker(file)) == mistakes
