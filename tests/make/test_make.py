"""`make` says in one line what is missing, and does nothing twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.18"
exit 1
"""
WITHOUT_VENV = """#!/bin/sh
case "$2" in *venv*) exit 1 ;; esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with all that the Makefile needs but Python and cargo."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool in ("sh", "find", "touch"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def make(tools: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs make with these tools alone, and stamps of its own."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("needs make")
    argv = [program, "-C", str(ROOT), f"VENV={tools.parent / 'venv'}", "PYTHON=python3", *words]
    env = {"PATH": str(tools), "HOME": os.environ.get("HOME", "")}
    return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=60, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that is not make's own."""
    assert done.returncode != 0
    lines = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if not line.startswith(("make: ", "make[", "Building the extension"))
    ]
    (line,) = lines
    return line


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("target", ["demo", "test", "test-rust"])
def test_without_cargo(tools: Path, target: str) -> None:
    (tools / "python3").symlink_to(sys.executable)
    assert "needs a Rust toolchain (cargo); see https://rustup.rs" in said(make(tools, target))


def test_without_valgrind(tools: Path) -> None:
    program(tools, "cargo", "#!/bin/sh\n")
    assert "counting instructions needs valgrind;" in said(make(tools, "bench-instructions"))


@pytest.mark.parametrize("target", ["demo", "test-python"])
def test_without_a_python_that_will_do(tools: Path, target: str) -> None:
    assert "there is no python3; set PYTHON=" in said(make(tools, target))
    program(tools, "python3", OLD)
    assert "but python3 is Python 3.9.18; set PYTHON=" in said(make(tools, target))
    program(tools, "python3", WITHOUT_VENV)
    assert "needs Python's venv module" in said(make(tools, target))
    assert not (tools.parent / "venv").exists()


def test_a_second_run_builds_only_what_has_changed(tools: Path) -> None:
    venv = tools.parent / "venv"
    venv.mkdir()
    # As if all had been built, a moment after the last change to any source.
    for moment, stamp in enumerate(("tools", "build", "test"), start=1):
        path = venv / f"{stamp}.stamp"
        path.touch()
        os.utime(path, (time.time() + moment, time.time() + moment))
    assert make(tools, "--question", "build").returncode == 0
    for source in (
        "rust/core/src/framer.rs",
        "rust/io/src/channel.rs",
        "rust/python/src/lib.rs",
        "Cargo.lock",
    ):
        assert make(tools, "--question", "-W", source, "build").returncode == 1
