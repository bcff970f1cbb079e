"""Both type checkers agree: what is right has the types it should, each mistake is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest
from tests.conftest import Once
from tests.docs.generated import assert_current

from clnwire.hooks._catalogue import HOOKS
from clnwire.notifications._catalogue import TYPED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


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
FILES = [f"tests/typing/{name}.py" for name in (*GOOD, *BAD)]
Mistakes: TypeAlias = dict[str, dict[int, str]]
"""File → line → what a checker says; each checker sees all files at once, as one run is quicker."""


def mypy() -> Mistakes:
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = re.findall(r"^tests/typing/(\w+)\.py:(\d+): error: (.*)", run.stdout, re.MULTILINE)
    assert len(found) == run.stdout.count(" error: "), run.stdout
    said: Mistakes = {}
    for name, line, text in found:
        said.setdefault(name, {})[int(line)] = text
    return said


def basedpyright() -> Mistakes:
    run = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", *FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    said: Mistakes = {}
    for each in json.loads(run.stdout)["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        said.setdefault(Path(each["file"]).stem, {})[line] = each["message"]
    return said


@pytest.fixture(scope="module", params=[mypy, basedpyright], ids=lambda checker: checker.__name__)
def said(request: pytest.FixtureRequest, once: Once) -> Mistakes:
    """What one of the checkers says of all files."""
    checker: Callable[[], Mistakes] = request.param

    def check(folder: Path) -> None:
        (folder / "said").write_bytes(msgspec.json.encode(checker()))

    return msgspec.json.decode((once(checker.__name__, check) / "said").read_bytes(), type=Mistakes)


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right(said: Mistakes, name: str):
    assert said.get(name, {}) == {}


@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_found(said: Mistakes, name: str):
    lines = (HERE / f"{name}.py").read_text().splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if "# mistake:" in line}
    assert set(said[name]) == mistakes


def test_every_file_is_checked():
    here = {f"tests/typing/{path.name}" for path in HERE.glob("*.py")}
    assert here - {"tests/typing/test_typing.py"} == set(FILES)


@pytest.mark.parametrize("name", ["good_hooks", "bad_hooks"])
def test_no_hook_is_left_out(name):
    found = re.findall(r'@plugin\.hook\("(\w+)"', (HERE / f"{name}.py").read_text())
    assert set(found) == HOOKS


@pytest.mark.parametrize("name", ["good_topics", "bad_topics"])
def test_no_topic_is_left_out(name):
    found = re.findall(r'@plugin\.subscribe\("(\w+)"', (HERE / f"{name}.py").read_text())
    assert set(found) == TYPED


def test_the_stubs_are_current():
    assert_current("generate_stubs.py")
