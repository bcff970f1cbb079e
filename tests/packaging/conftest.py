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

TARGET = ROOT / "target"


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
        source = _unpack(sdist, TARGET / "sdist")
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source]
        # What is packed does not depend on how it was optimised, so what `make test-rust` and
        # `make develop` have compiled will do.
        environment = {
            **os.environ,
            "CARGO_TARGET_DIR": str(TARGET),
            "MATURIN_PEP517_ARGS": "--profile develop",
        }
        subprocess.run(pip, check=True, cwd=away, env=environment)

    (path,) = once("wheel", build).iterdir()
    return path


def _unpack(sdist: Path, folder: Path) -> Path:
    """Makes the folder hold what the sdist does; returns the sdist's only folder in it.

    Files that are the same are left alone: cargo compiles what is newer than its last build.
    """
    with tarfile.open(sdist) as archive:
        files = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        held = {name: file.read() for name, file in files.items() if file is not None}
    for path in [path for path in folder.rglob("*") if not path.is_dir()]:
        if path.relative_to(folder).as_posix() not in held:
            path.unlink()
    for name, content in held.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder / next(iter(held)).partition("/")[0]
