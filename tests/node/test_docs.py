"""The test with a real node that `docs/recipes.md` shows, as its reader runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import clnwire
from tests.docs.pages import DOCS, ROOT, blocks

pytestmark = pytest.mark.process


def test_there_is_a_lightningd(lightningd: Path) -> None:
    """Skipped for all tests that need one, so that the report has one line."""
    assert lightningd.is_file()


def test_the_recipe(lightningd: Path, tmp_path: Path) -> None:
    (recipe,) = [block for block in blocks(DOCS / "recipes.md") if block.run_by]
    assert recipe.run_by == f"tests/node/{Path(__file__).name}"
    (tmp_path / "test_node.py").write_text(recipe.text)
    shutil.copy(ROOT / "examples" / "hello.py", tmp_path)
    assert clnwire("examples", "regtest_backend", cwd=tmp_path).returncode == 0
    folders = [lightningd.parent, Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_node.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
