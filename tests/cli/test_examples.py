"""`clnwire examples`: what it lists can be copied, and runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.cli.examples import FOLDER
from clnwire.testing import RunPlugin
from tests.cli.terminal import clnwire, one_line
from tests.docs.pages import ROOT


def test_they_are_those_of_the_repository() -> None:
    ours, theirs = (
        {path.name: path.read_text() for path in folder.glob("*.py")}
        for folder in (ROOT / "examples", FOLDER)
    )
    assert ours == theirs, "link a new example in python/clnwire/cli/_examples"


def test_the_list_says_what_each_is_for() -> None:
    lines = clnwire("examples").stdout.splitlines()
    assert "hello            A first plugin: an option, two methods, two subscriptions." in lines
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in FOLDER.glob("*.py"))


def test_a_copy_runs(tmp_path: Path, run_plugin: RunPlugin) -> None:
    done = clnwire("examples", "hello", "webhook", cwd=tmp_path)
    assert done.stdout.startswith("hello.py\n  clnwire run --plugin=hello.py\n")
    copy = tmp_path / "hello.py"
    assert not copy.is_symlink()
    assert os.access(copy, os.X_OK)
    assert run_plugin(copy).call("hello") == "Hello World"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("mine")
    line = one_line(clnwire("examples", "hello", cwd=tmp_path), 2)
    assert line == "clnwire examples: hello.py cannot be written: File exists\n"
    assert (tmp_path / "hello.py").read_text() == "mine"


def test_an_unknown_name() -> None:
    line = one_line(clnwire("examples", "helo"), 2)
    assert line.startswith("clnwire examples: there is no 'helo'; there are: hello, ")
