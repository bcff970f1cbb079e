"""Two results side by side."""

from __future__ import annotations

import subprocess
import sys

import pytest
from benches.suite import compare
from benches.suite.cases import METHOD, ROOT
from benches.suite.results import save

from tests.benches.sample import results


def suite(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benches.suite", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_ratios_are_new_to_old():
    old, new = results(floor=5, clnwire=10), results(floor=10, clnwire=15)
    assert compare.ratio(old, new, METHOD, "clnwire", "p50_us") == pytest.approx(1.5)
    assert compare.ratio(old, new, METHOD, "clnwire", "messages_per_second") == pytest.approx(2 / 3)
    # The machine was half as fast, so that clnwire has become better.
    assert compare.to_floor(old, new, METHOD, "clnwire", "p50_us") == pytest.approx(0.75)
    assert compare.ratio(old, new, METHOD, "pyln-client", "p50_us") is None


def test_the_command_shows_every_case_that_both_have(tmp_path):
    old, new = results(floor=5, clnwire=10, pyln_client=100), results(floor=5, clnwire=8)
    save(old, tmp_path / "old.json")
    save(new, tmp_path / "new.json")
    done = suite("compare", tmp_path / "old.json", tmp_path / "new.json")
    assert done.returncode == 0, done.stderr
    lines = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert "method clnwire 0.80 0.80 1.25 0.80 0.80 0.80 0.80 1.25" in lines
    assert "only in the old one: method: pyln-client" in lines
    assert not any(line.startswith("only in the new one") for line in lines)


def test_what_is_no_result_ends_in_one_line(tmp_path):
    path = tmp_path / "old.json"
    done = suite("compare", path, path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"suite: [Errno 2] No such file or directory: '{path}'"]
    path.write_text("{}")
    done = suite("compare", path, path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no result of this suite" in done.stderr
