"""`clnwire new`: each kind in each form, used as an author would use it from the first minute."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire._wire.facts import COMMANDS
from clnwire.cli.new._project import LONGEST, Kind, Project, problem
from clnwire.testing import BlockingHost, RunningPlugin, RunPlugin
from tests.cli.terminal import clnwire, one_line

ROOT = Path(__file__).resolve().parents[2]
KINDS: tuple[Kind, ...] = get_args(Kind)
FORMS = [*((kind, False) for kind in KINDS), ("method", True), ("pyln", True)]
"""Each kind as a script. A package has the same code; its own tests run each of them."""


class Made(NamedTuple):
    """What was written."""

    project: Project
    root: Path
    """Where the command ran."""

    @property
    def folder(self) -> Path:
        """Where an author works on it."""
        return self.root / self.project.name if self.project.is_package else self.root

    @property
    def plugin(self) -> Path:
        return self.root / self.project.plugin_file


def run(folder: Path, *words: str) -> str:
    """Runs a tool as a module of this Python, and gives what it says; it must succeed."""
    argv = [sys.executable, "-m", *words]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make(folder: Path, name: str, kind: Kind, *, is_package: bool) -> Made:
    words = ["--package"] if is_package else []
    done = clnwire("new", name, f"--kind={kind}", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    project = Project(name, kind, is_package)
    for path in project.files():
        assert f"  {path}\n" in done.stdout
        assert (folder / path).is_file()
    return Made(project, folder)


def lint(folder: Path) -> None:
    pytest.importorskip("ruff", reason="needs the group test: ruff")
    run(folder, "ruff", "check", "--no-cache", ".")
    run(folder, "ruff", "format", "--no-cache", "--check", ".")


@pytest.fixture(
    scope="module",
    params=FORMS,
    ids=[f"{kind}-{'package' if package else 'script'}" for kind, package in FORMS],
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    kind, is_package = request.param
    return make(tmp_path_factory.mktemp("new"), "fee-watch", kind, is_package=is_package)


@pytest.fixture(scope="module")
def cache() -> Path:
    """mypy's, which stays: it has to read clnwire once. One worker has it at a time."""
    folder = ROOT / "build" / "mypy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def assert_good(folder: Path, cache: Path, *checked: str, tests: int) -> None:
    """The linter and the type checker find nothing, and its own tests pass."""
    lint(folder)
    pytest.importorskip("mypy", reason="needs the group test: mypy")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(folder, "mypy", "--strict", f"--cache-dir={cache}", *checked)
    said = run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert re.search(rf"\b{tests} passed in", said), said


# Others may have the cache first, and fill it.
@pytest.mark.timeout(600)
def test_scripts_are_good(tmp_path: Path, cache: Path) -> None:
    for kind in KINDS:
        make(tmp_path, f"{kind.replace('_', '-')}-one", kind, is_package=False)
    assert_good(tmp_path, cache, ".", tests=3 * len(KINDS))


@pytest.mark.timeout(600)
def test_a_package_is_good(tmp_path: Path, cache: Path) -> None:
    """With the settings that it comes with."""
    made = make(tmp_path, "fee-watch", "method", is_package=True)
    assert_good(made.folder, cache, tests=3)


@pytest.mark.timeout(600)
def test_a_package_of_each_kind_is_good(tmp_path: Path, cache: Path) -> None:
    """All at once, which starts each tool once."""
    for kind in KINDS:
        made = make(tmp_path, f"{kind.replace('_', '-')}-one", kind, is_package=True)
        # mypy takes the folders for packages, whose names have no hyphen.
        made.folder.rename(tmp_path / kind)
    sources = [f"{kind}/src" for kind in KINDS]
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nmypy_path = {':'.join(sources)}\nexplicit_package_bases = true\n"
    )
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {' '.join(sources)}\naddopts = --import-mode=importlib\n"
    )
    folders = [*sources, *(f"{kind}/tests" for kind in KINDS)]
    assert_good(tmp_path, cache, *folders, tests=3 * len(KINDS))


TRIED: dict[Kind, Callable[[RunningPlugin], bool]] = {
    "method": lambda plugin: plugin.call("fee-watch") == "Hello World",
    "hook": lambda plugin: plugin.hook("peer_connected").__class__.__name__ == "Continue",
    "db_write": lambda plugin: plugin.db_write(["DELETE FROM t"]) == 2,
    "async": lambda plugin: plugin.call("fee-watch", {"peers": 0}) == 0,
    "notification": lambda plugin: plugin.call("fee-watch") == {},
    "background": lambda plugin: plugin.wait_for_log("0 peers") is not None,
    "pyln": lambda plugin: plugin.call("fee-watch", ["you"]) == "Hello you",
}


def test_the_stricter_type_checker_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright", reason="needs the group test: basedpyright")
    for kind in KINDS:
        name = f"{kind.replace('_', '-')}-one"
        make(tmp_path, name, kind, is_package=False)
        make(tmp_path, f"{name}-package", kind, is_package=True)
    sources = [str(path) for path in tmp_path.glob("*/src")]
    options = {"typeCheckingMode": "strict", "extraPaths": sources, "failOnWarnings": True}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(options))
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_it_runs_under_the_host(
    made: Made, run_plugin: RunPlugin, clnwire_host: BlockingHost
) -> None:
    clnwire_host.answer("listpeers", {"peers": []})
    assert TRIED[made.project.kind](run_plugin(made.plugin))


def test_check_finds_nothing(made: Made) -> None:
    done = clnwire("check", made.plugin, cwd=made.folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_says_what_it_needs(tmp_path: Path) -> None:
    made = make(tmp_path, "fee-watch", "method", is_package=False)
    head = made.plugin.read_text().partition('"""')[0]
    assert re.fullmatch(
        r"#!/usr/bin/env python3\n# /// script\n# requires-python = \">=3\.10\"\n"
        r"# dependencies = \[\"clnwire>=[\d.]+\"\]\n# ///\n",
        head,
    )
    assert os.access(made.plugin, os.X_OK)


def test_a_package_installs_as_a_command(tmp_path: Path, run_plugin: RunPlugin) -> None:
    pytest.importorskip("hatchling", reason="needs the group test: hatchling")
    made = make(tmp_path, "fee-watch", "method", is_package=True)
    there = tmp_path / "installed"
    pip = ("pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index")
    run(made.folder, *pip, f"--target={there}", ".")
    plugin = run_plugin(there / "bin" / "fee-watch", env={"PYTHONPATH": str(there)})
    assert plugin.call("fee-watch", ["you"]) == "Hello you"


@pytest.mark.parametrize("name", ["x", "a-name-that-is-very-long"])
@pytest.mark.parametrize("is_package", [False, True], ids=["script", "package"])
def test_it_is_formatted_whatever_its_name(tmp_path: Path, name: str, is_package: bool) -> None:
    assert len(name) in (1, LONGEST)
    for kind in KINDS:
        folder = tmp_path / kind
        folder.mkdir()
        # A project of its own, as where an author works: the linter knows its modules.
        (folder / "ruff.toml").touch()
        make(folder, name, kind, is_package=is_package)
    lint(tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Fee-Watch", "it consists of a-z, 0-9 and single '-'"),
        ("fee_watch", "it consists of"),
        ("../up", "it consists of"),
        ("-x", "no option -x"),
        ("", "it consists of"),
        ("2nd", "begins with a letter"),
        ("a-name-that-is-much-too-long", "28 characters; choose a name of at most 24"),
        ("class", "a Python keyword"),
        ("match", "a Python keyword"),
        ("asyncio", "the name of another module"),
        ("clnwire", "the name of another module"),
        ("test-it", "the name of another module"),
        ("getinfo", "a command of lightningd"),
    ],
)
def test_names_that_will_not_do(tmp_path: Path, name: str, reason: str) -> None:
    done = clnwire("new", name, cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []
    if not name.startswith("-"):
        assert one_line(done, 2).startswith("clnwire new: ")


def test_all_that_the_daemon_has_is_refused() -> None:
    assert all(problem(name) for name in COMMANDS)
    assert problem("fee-watch") is None


@pytest.mark.parametrize("there", ["fee_watch.py", "test_fee_watch.py"])
def test_a_script_overwrites_nothing(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    line = one_line(clnwire("new", "fee-watch", cwd=tmp_path), 2)
    assert line == f"clnwire new: {there} already exists; choose another name, or remove it\n"
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_package_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "fee-watch").symlink_to("nowhere")
    line = one_line(clnwire("new", "fee-watch", "--package", cwd=tmp_path), 2)
    assert line.startswith("clnwire new: fee-watch already exists; ")
    assert [path.name for path in tmp_path.iterdir()] == ["fee-watch"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = one_line(clnwire("new", "fee-watch", "--directory=file/x", cwd=tmp_path), 2)
    assert line == "clnwire new: file/x cannot be written: Not a directory\n"


def test_in_another_directory(tmp_path: Path) -> None:
    done = clnwire("new", "fee-watch", "--directory", "a/b", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "a/b/fee_watch.py").is_file()
    assert "clnwire run --plugin=a/b/fee_watch.py " in done.stdout
    assert f"\n  lightningd --plugin={tmp_path}/a/b/fee_watch.py\n" in done.stdout


@pytest.mark.parametrize("is_package", [False, True], ids=["script", "package"])
@pytest.mark.parametrize("folder", ["plain", "with space"])
def test_the_line_for_lightningd_starts_it(
    tmp_path: Path, run_plugin: RunPlugin, folder: str, is_package: bool
) -> None:
    """As lightningd starts it: the file itself, with the `python3` of its PATH."""
    words = ["fee-watch", f"--directory={folder}", *["--package"] * is_package]
    argv = [sys.executable, "-m", "clnwire", "new", *words]
    # A shell in which the environment that has clnwire was not activated.
    path = "/usr/bin:/bin"
    env = {**os.environ, "PATH": path}
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    line = done.stdout.splitlines()[-1].strip()
    seen = 'lightningd() { printf "%s\\n" "$PATH" "$1"; }; '
    path, option = subprocess.run(
        ["bash", "-c", seen + line], env={"PATH": path}, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    plugin = run_plugin(Path(option.removeprefix("--plugin=")), env={"PATH": path})
    assert plugin.call("fee-watch") == "Hello World"


# What reckless writes beside the plugin, and starts: tools/reckless, `create_wrapper`.
WRAPPER = """#!{python}
import sys
import runpy

if '{source}' not in sys.path:
    sys.path.append('{source}')
if '{beside}' in sys.path:
    sys.path.remove('{beside}')
runpy.run_module("fee-watch", {{}}, "__main__")"""


def test_reckless_can_install_a_package(tmp_path: Path, run_plugin: RunPlugin) -> None:
    """It looks for NAME/NAME.py and NAME/requirements.txt. With a uv.lock it would fail."""
    made = make(tmp_path, "fee-watch", "method", is_package=True)
    assert os.access(made.folder / "fee-watch.py", os.X_OK)
    assert "/uv.lock" in (made.folder / ".gitignore").read_text().splitlines()
    needs = [
        line
        for line in (made.folder / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert f"dependencies = {json.dumps(needs)}" in (made.folder / "pyproject.toml").read_text()
    wrapper = tmp_path / "reckless" / "fee-watch.py"
    wrapper.parent.mkdir()
    wrapper.write_text(
        WRAPPER.format(python=sys.executable, source=made.folder, beside=wrapper.parent)
    )
    wrapper.chmod(0o755)
    assert run_plugin(wrapper).call("fee-watch") == "Hello World"


PAGE = (Path(__file__).resolve().parents[2] / "docs/getting-started.md").read_text()


def test_the_page_shows_what_one_sees(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```console\n\$ clnwire new fee-watch\n(.*?)^```", PAGE, re.M | re.S)
    done = clnwire("new", "fee-watch", cwd=tmp_path)
    assert done.stdout.replace(str(tmp_path), "/home/me") == shown


def test_the_page_has_all_options() -> None:
    helped = re.findall(r"│ (--[a-z-]+)", clnwire("new", "--help").stdout)
    assert {"--kind", "--package", "--directory", "--help"} == set(helped)
    for option in ("--package", "--directory DIR", *(f"--kind {kind}" for kind in KINDS)):
        assert f"| `{option}` |" in PAGE
    assert f"at most {LONGEST} characters" in PAGE
