"""How plugins get clnwire in place of pyln-client: the folder for `PYTHONPATH`, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import clnwire
from tests.daemon import Daemon

pytestmark = pytest.mark.process

FOLDER = Path(clnwire.__file__).parent / "pyln" / "path"
PLUGIN = """#!/usr/bin/env python3
from pyln.client import Plugin, RpcException
import sys

plugin = Plugin()


@plugin.method("where")
def where(plugin):
    from pyln.client.plugin import Plugin as same
    return [plugin.run.__module__, type(plugin) is same, sys.argv[1:]]


plugin.run()
"""
FOREIGN = [
    Path(place, name)
    for place in (os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"),)
    for name in ("versions/3.12.1/bin/python", "versions/3.13.0/bin/python")
    if sys.version_info[:2] != tuple(map(int, name.split("/")[1].split(".")[:2]))
]
"""Interpreters that cannot import the binary module of clnwire."""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "plugin.py"
    path.write_text(PLUGIN)
    return path


def said(code: str, *places: Path, python: Path | str = sys.executable) -> tuple[str, str]:
    """What a program without site-packages prints: stdout, and the last line of stderr."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [python, "-S", "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stdout.strip(), (done.stderr.splitlines() or [""])[-1]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Site-packages that have clnwire and what it needs, and no pyln-client."""
    place = tmp_path / "site"
    place.mkdir()
    for name in ("clnwire", "msgspec"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (place / name).symlink_to(Path(spec.origin).parent)
    return place


def client(place: Path, version: str, *, is_package: bool) -> Path:
    """Site-packages with a client of its own in place of pyln-client's."""
    package = place / "pyln" / "client"
    package.mkdir(parents=True)
    extend = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    if is_package:
        (place / "pyln" / "__init__.py").write_text(extend)
    (package / "__init__.py").write_text(f"class Plugin: ...\n__version__ = '{version}'\n")
    (package / "gossmap.py").write_text(f"class Gossmap: version = '{version}'\n")
    (package / "clnutils.py").write_text("")
    proto = place / "pyln" / "proto"
    proto.mkdir()
    (proto / "__init__.py").write_text(f"VERSION = '{version}'\n")
    return place


SHOW = "import pyln.client as c; print(getattr(c.Plugin, 'run', c.Plugin).__module__)"


@pytest.mark.parametrize("is_package", [True, False], ids=["package", "namespace"])
def test_the_folder_goes_before_an_installed_client(tmp_path: Path, site: Path, is_package: bool):
    path = site / "clnwire/pyln/path"
    old = client(tmp_path / "old", "25.9", is_package=is_package)
    assert said(SHOW, path, old) == ("clnwire.pyln.plugin", "")
    # What clnwire does not have is the installed one's.
    code = (
        "from pyln.client import Gossmap, clnutils; from pyln import proto;"
        "print(Gossmap.version, proto.VERSION)"
    )
    assert said(code, path, old) == ("25.9 25.9", "")
    # Of several, the first of the search path.
    new = client(tmp_path / "new", "26.6", is_package=not is_package)
    assert said(code, path, new, old) == ("26.6 26.6", "")
    star = "from pyln.client import *; from pyln.client.lightning import RpcError as r;"
    assert said(f"{star} print(RpcError is r)", path, old) == ("True", "")


def test_without_pyln_client_only_its_own_modules_are_missing(site: Path):
    path = site / "clnwire/pyln/path"
    assert said(SHOW, path) == ("clnwire.pyln.plugin", "")
    _, error = said("from pyln.client import Gossmap", path)
    assert error == (
        "ImportError: clnwire has no Gossmap; install pyln-client as well, which has it "
        "(No module named 'pyln.client.gossmap')"
    )
    _, error = said("from pyln.client import Gosmap", path)
    assert error.startswith("ImportError: cannot import name 'Gosmap' from 'pyln.client'")


def test_where_clnwire_is_not_whole_the_installed_client_serves(tmp_path: Path, site: Path):
    path = site / "clnwire/pyln/path"
    (site / "msgspec").unlink()
    reason = (
        f"clnwire cannot be imported by Python {sys.version.split()[0]} (its dependency msgspec is "
        "not installed with it)"
    )
    old = client(tmp_path / "old", "25.9", is_package=True)
    code = f"{SHOW}; print(c.__version__, c.__file__); import sys; print('clnwire' in sys.modules)"
    printed, error = said(code, path, old)
    assert printed == f"pyln.client\n25.9 {old}/pyln/client/__init__.py\nFalse"
    assert error == f"{reason}: the installed pyln-client is used"
    _, error = said(SHOW, path)
    assert error == f"ImportError: {reason}, and no pyln-client is installed"


def test_another_python_uses_the_installed_client(tmp_path: Path, site: Path):
    found = [python for python in FOREIGN if python.exists()]
    if not found:
        pytest.skip("needs another Python, from pyenv")
    old = client(tmp_path / "old", "25.9", is_package=False)
    printed, error = said(SHOW, site / "clnwire/pyln/path", old, python=found[0])
    assert printed == "pyln.client"
    assert "(No module named 'clnwire._core'): the installed pyln-client is used" in error


@cache
def command_line() -> bool:
    return find_spec("typer") is not None


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    if not command_line():
        pytest.skip("needs the extra: clnwire[cli]")
    command = [sys.executable, "-m", "clnwire", "pyln", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_path_is_what_a_daemon_gives_its_plugins(tmp_path: Path):
    done = run("path", cwd=tmp_path)
    assert done.stdout == f"{FOLDER}\n"
    assert (FOLDER / "pyln/client/__init__.py").is_file()
    assert run("path", "plugin.py", cwd=tmp_path).returncode == 2


def test_wrap_writes_what_lightningd_starts(plugin: Path):
    done = run("wrap", plugin.name, "--loud", cwd=plugin.parent)
    script = plugin.parent / "plugin-clnwire"
    assert done.stdout == f"{script.name} written; for lightningd's config: plugin={script}\n"
    assert script.stat().st_mode & 0o777 == 0o755
    assert answer(script) == ["clnwire.pyln.plugin", True, ["--loud"]]
    again = run("wrap", plugin.name, cwd=plugin.parent)
    assert again.returncode == 2
    assert again.stderr == (
        "clnwire pyln: plugin-clnwire exists; name another file with --output\n"
    )
    assert run("wrap", plugin.name, "-o", "nix/da", cwd=plugin.parent).returncode == 2
    assert run("wrap", "nix.py", cwd=plugin.parent).returncode == 2
    assert run("wrap", cwd=plugin.parent).returncode == 2


def test_run_becomes_the_plugin(plugin: Path):
    if not command_line():
        pytest.skip("needs the extra: clnwire[cli]")
    script = plugin.parent / "start"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -m clnwire pyln run {plugin} --loud\n")
    script.chmod(0o755)
    assert answer(script) == ["clnwire.pyln.plugin", True, ["--loud"]]
    broken = plugin.parent / "broken"
    broken.write_text("#!/no/such/program\n")
    broken.chmod(0o755)
    failed = run("run", broken, cwd=plugin.parent)
    assert failed.returncode == 2
    assert "its first line names '/no/such/program'" in failed.stderr


def answer(*command: str | Path) -> list[object]:
    """What the started plugin says of itself."""
    words = list(map(str, command))
    start = Path(words[0]).with_name("start.py")
    start.write_text(f"import os\nos.execv({words[0]!r}, {words!r})\n")
    daemon = Daemon(start)
    try:
        daemon.getmanifest()
        daemon.init({})
        result: list[object] = daemon.call("where", {})
        assert daemon.hang_up() == 0
        return result
    finally:
        daemon.close()
