"""The packages, built as a user's installer builds them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import Once
from tests.packaging.project import ROOT


@pytest.fixture(scope="session")
def sdist(once: Once) -> Path:
    """The sdist of this source tree."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "maturin", "sdist", "--out", folder]
        subprocess.run(command, check=True, cwd=ROOT)

    (path,) = once("sdist", build).iterdir()
    return path


@pytest.fixture(scope="session")
def wheel(sdist: Path, once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that pip builds of the sdist in an environment of its own, away from the tree."""

    def build(folder: Path) -> None:
        away = tmp_path_factory.mktemp("away")
        source = _unpack(sdist, away)
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source]
        # Compiled dependencies may stay from one run to the next. What is packed does not depend on
        # how it was optimised.
        environment = {
            **os.environ,
            "CARGO_TARGET_DIR": str(ROOT / "target" / "sdist"),
            "MATURIN_PEP517_ARGS": "--profile develop",
        }
        subprocess.run(pip, check=True, cwd=away, env=environment)

    (path,) = once("wheel", build).iterdir()
    return path


def _unpack(sdist: Path, folder: Path) -> Path:
    """Unpacks it, with files that are new: cargo compiles nothing again whose files are old."""
    with tarfile.open(sdist) as archive:
        # They are our own; `filter` came with Python 3.12 and with patches of the older ones.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safe)
    for path in folder.rglob("*"):
        os.utime(path)
    (source,) = folder.iterdir()
    return source
