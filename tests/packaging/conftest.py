"""The packages, built as a user's installer builds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.project import ROOT


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this source tree."""
    folder = tmp_path_factory.mktemp("sdist")
    subprocess.run(
        [sys.executable, "-m", "maturin", "sdist", "--out", folder], check=True, cwd=ROOT
    )
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that pip builds of the sdist in an environment of its own, away from the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, sdist]
    # Compiled dependencies may stay from one run to the next.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target" / "sdist")}
    subprocess.run(pip, check=True, cwd=folder, env=environment)
    (path,) = folder.iterdir()
    return path
