"""The Pythons that are on this machine, wherever their usual installers put them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ASK = """
import sys, sysconfig
threads = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''
print(sys.implementation.name, '%d.%d' % sys.version_info[:2] + threads, *sys.version_info[2:4])
print(sys.executable)
"""
_NAME = re.compile(r"python3(\.\d+t?)?")
# Where pyenv, uv, asdf and mise put them below a home, and below the root manylinux's images,
# Homebrew and python.org.
_FOLDERS = (
    ".pyenv/versions/*/bin",
    ".local/share/uv/python/*/bin",
    ".asdf/installs/python/*/bin",
    ".local/share/mise/installs/python/*/bin",
)
_ROOT_FOLDERS = (
    "opt/python/*/bin",
    "usr/local/bin",
    "opt/homebrew/bin",
    "Library/Frameworks/Python.framework/Versions/*/bin",
    "Library/Frameworks/PythonT.framework/Versions/*/bin",
)


@dataclass(frozen=True)
class Interpreter:
    """One CPython."""

    path: Path
    version: str
    """Such as 3.13, or 3.14t for the free-threaded build."""
    patch: tuple[int, bool]
    """Its patch release, and whether it is final: what decides between two of a version."""

    @property
    def tag(self) -> str:
        """The part of a wheel's name that says which Python it is for."""
        digits = self.version.replace(".", "")
        return f"cp{digits.removesuffix('t')}-cp{digits}"


def ask(path: Path) -> Interpreter | None:
    """Which Python that leads to; nothing if it does not run, as some shims, or is not CPython."""
    try:
        asked = [path, "-I", "-c", _ASK]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    facts, executable = said.splitlines()
    name, version, micro, level = facts.split()
    if name != "cpython":
        return None
    return Interpreter(Path(executable), version, (int(micro), level == "final"))


def on_this_machine() -> list[Interpreter]:
    """The newest of each version, oldest version first."""
    best: dict[str, Interpreter] = {}
    for path in _candidates():
        found = ask(path)
        if found and (found.version not in best or found.patch > best[found.version].patch):
            best[found.version] = found
    return sorted(best.values(), key=lambda one: _order(one.version))


def _order(version: str) -> tuple[int, bool]:
    return int(version.removesuffix("t").partition(".")[2]), version.endswith("t")


def _candidates() -> Iterator[Path]:
    """Each program once, however many links lead to it."""
    seen: set[Path] = set()
    for folder in _folders():
        for path in sorted(folder.glob("python3*")):
            program = path.resolve()
            if _NAME.fullmatch(path.name) and program not in seen:
                seen.add(program)
                yield program


def _folders() -> Iterable[Path]:
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    for variable, pattern in (("PYENV_ROOT", "versions/*/bin"), ("UV_PYTHON_INSTALL_DIR", "*/bin")):
        if variable in os.environ:
            yield from Path(os.environ[variable]).glob(pattern)
    for pattern in _FOLDERS:
        yield from Path.home().glob(pattern)
    for pattern in _ROOT_FOLDERS:
        yield from Path("/").glob(pattern)
