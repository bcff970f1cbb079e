"""Every Python of a machine is found once, wherever it is; what is none is passed over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging import interpreters, try_wheels
from tests.packaging.interpreters import Interpreter

ANSWERS = """#!/bin/sh
echo "{facts}"
echo "$0"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, and no Python on the PATH."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("UV_PYTHON_INSTALL_DIR", raising=False)
    monkeypatch.setattr(interpreters, "_ROOT_FOLDERS", ())
    return tmp_path


def put(path: Path, facts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ANSWERS.format(facts=facts))
    path.chmod(0o755)
    return path


def found() -> dict[str, Path]:
    return {one.version: one.path for one in interpreters.on_this_machine()}


def test_the_usual_places(machine: Path, monkeypatch: pytest.MonkeyPatch):
    of_pyenv = put(machine / ".pyenv/versions/3.10.1/bin/python3.10", "cpython 3.10 1 final")
    of_uv = put(machine / "uv/cpython-3.14t/bin/python3.14t", "cpython 3.14t 0 final")
    of_path = put(machine / "bin/python3", "cpython 3.9 18 final")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(machine / "uv"))
    assert found() == {"3.9": of_path, "3.10": of_pyenv, "3.14t": of_uv}
    assert list(found()) == ["3.9", "3.10", "3.14t"]
    assert [one.version for one in try_wheels.chosen([])] == ["3.10", "3.14t"]
    assert [one.path for one in try_wheels.chosen(["3.14t", str(of_path)])] == [of_uv, of_path]
    with pytest.raises(SystemExit, match=r"3.13: .*no version here \(3.9, 3.10, 3.14t\)"):
        try_wheels.chosen(["3.10", "3.13"])


def test_the_newest_of_a_version(machine: Path):
    put(machine / "bin/python3.13", "cpython 3.13 9 final")
    newest = put(machine / ".pyenv/versions/3.13.10/bin/python3.13", "cpython 3.13 10 final")
    put(machine / ".local/share/uv/python/x/bin/python3.13", "cpython 3.13 2 final")
    assert found() == {"3.13": newest}


def test_what_is_none_is_passed_over(machine: Path):
    put(machine / "bin/python3.12", "pypy 3.12 1 final")
    put(machine / "bin/python3-config", "cpython 3.12 1 final")
    (machine / "bin/python3.11").write_text("#!/bin/sh\necho no such version >&2; exit 127\n")
    (machine / "bin/python3.11").chmod(0o755)
    (machine / "bin/python3.10").write_text("no program")
    assert found() == {}
    with pytest.raises(SystemExit, match=r"python3.12: no CPython that runs"):
        try_wheels.chosen([str(machine / "bin/python3.12")])


def test_ours():
    ours = interpreters.ask(Path(sys.executable))
    assert ours is not None
    assert ours.version.removesuffix("t") == f"3.{sys.version_info.minor}"
    assert ours.path.samefile(sys.executable)


def test_tags():
    assert Interpreter(Path("p"), "3.9", (1, True)).tag == "cp39-cp39"
    assert Interpreter(Path("p"), "3.14t", (1, True)).tag == "cp314-cp314t"
