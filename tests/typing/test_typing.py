"""Both type checkers agree: what is right has the types it should, each mistake is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clnwire.hooks._catalogue import HOOKS
from clnwire.notifications._catalogue import TYPED

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


GOOD = (
    "good",
    "good_async",
    "good_commands",
    "good_hooks",
    "good_on_failure",
    "good_testing",
    "good_topics",
)
BAD = (
    "bad",
    "bad_answers",
    "bad_async",
    "bad_commands",
    "bad_hooks",
    "bad_on_failure",
    "bad_testing",
    "bad_topics",
)


@CHECKERS
@pytest.mark.parametrize("name", GOOD)
def test_what_is_right(checker, name):
    assert checker(HERE / f"{name}.py") == {}


@CHECKERS
@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_found(checker, name):
    file = HERE / f"{name}.py"
    lines = file.read_text().splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if "# mistake:" in line}
    assert set(checker(file)) == mistakes


@pytest.mark.parametrize("name", ["good_hooks", "bad_hooks"])
def test_no_hook_is_left_out(name):
    found = re.findall(r'@plugin\.hook\("(\w+)"', (HERE / f"{name}.py").read_text())
    assert set(found) == HOOKS


@pytest.mark.parametrize("name", ["good_topics", "bad_topics"])
def test_no_topic_is_left_out(name):
    found = re.findall(r'@plugin\.subscribe\("(\w+)"', (HERE / f"{name}.py").read_text())
    assert set(found) == TYPED
