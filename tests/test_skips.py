"""A test is skipped for a reason that is listed, or fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import skips

TESTS = """
import pytest

def test_listed():
    pytest.skip("needs actionlint on the PATH")

def test_not_listed():
    pytest.skip("is slow")

@pytest.mark.xfail
def test_that_is_expected_to_fail():
    assert False
"""


def test_a_reason_that_is_not_listed_fails(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.skips",
        "--continue-on-collection-errors",
    ]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", tmp_path],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    last = run.stdout.splitlines()[-1]
    listed = "1 failed, 1 skipped, 1 xfailed, 1 error" if skips.SOURCE else "1 failed, 2 skipped"
    assert listed in last, run.stdout
    assert "does not list: is slow" in run.stdout


@pytest.mark.parametrize("has_packages", [True, False])
def test_packages_are_lacking_beside_an_installed_clnwire_alone(
    monkeypatch: pytest.MonkeyPatch, has_packages: bool
) -> None:
    monkeypatch.setattr(skips, "SOURCE", has_packages)
    assert skips.is_known("needs the extra: clnwire[cli]") is not has_packages
    assert skips.is_known("needs a lightningd: on the PATH, or named by LIGHTNINGD")
