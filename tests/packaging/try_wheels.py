"""Installs a wheel with each Python of this machine, and runs the tests against what it installed.

Each Python gets an empty environment, and a copy of the project without `python/`: so `clnwire`
can only be what came from the wheel. Run as `python -m tests.packaging.try_wheels`, by a Python
that has pip 25.1 or newer and, to build the wheels, maturin.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.packaging import interpreters, project
from tests.packaging.interpreters import Interpreter

ROOT = project.ROOT
_LEFT_OUT = (".*", "target", "dist", "python", "__pycache__", "*.so")
SOURCE_TESTS = (
    "tests/architecture",
    "tests/benches",
    "tests/commands/test_generated.py",
    "tests/commands/test_usage.py",
    "tests/docs/test_check.py::test_the_rules_are_current",
    "tests/docs/test_map.py",
    "tests/docs/test_messages.py",
    "tests/docs/test_pyln.py::test_the_counterparts_exist",
    "tests/docs/test_reliability.py",
    "tests/docs/test_sessions.py",
    "tests/docs/test_site.py",
    "tests/host/test_samples.py::test_the_file_is_what_the_schemas_give",
    "tests/make",
    "tests/messages/test_generated.py",
    "tests/messages/test_schemas.py",
    "tests/packaging",
    "tests/rpc/test_docs.py",
    "tests/typing",
)
"""Those that look at the source tree, which an installed clnwire is without."""
_WHERE = "import clnwire, clnwire._core; print(clnwire.__file__); print(clnwire._core.__file__)"


class TrialError(Exception):
    """A step that failed; its own output is on the terminal."""


@dataclass(frozen=True)
class Trial:
    """One wheel, one Python, one empty environment."""

    interpreter: Interpreter
    wheel: Path
    folder: Path

    @property
    def python(self) -> Path:
        """The environment's own."""
        return self.folder / "environment" / "bin" / "python"

    @property
    def place(self) -> Path:
        """The project without what the wheel brings."""
        return self.folder / "project"

    def prepare(self) -> None:
        """Sets both up; raises `TrialError`, as all the others do."""
        _run(self.interpreter.path, "-m", "venv", "--without-pip", self.folder / "environment")
        self.install()
        shutil.copytree(ROOT, self.place, ignore=shutil.ignore_patterns(*_LEFT_OUT))

    def test(self, words: Sequence[str]) -> None:
        """Runs the tests, or those that these words choose, against the wheel."""
        self.check_origin()
        left_out = [
            f"--deselect={test}" if "::" in test else f"--ignore={test}" for test in SOURCE_TESTS
        ]
        pytest = (self.python, "-m", "pytest", *left_out, "-p", "no:cacheprovider", *words)
        _run(*pytest, cwd=self.place, env=_environment())

    def install(self) -> None:
        """The wheel with its extras, and what the tests need."""
        # orjson has no free-threaded build.
        extras = "cli" if self.interpreter.version.endswith("t") else "cli,orjson"
        group = f"{ROOT / 'pyproject.toml'}:test-installed"
        pip = (
            sys.executable,
            "-m",
            "pip",
            "--python",
            self.python,
            "install",
            "--quiet",
            "--no-compile",
        )
        _run(*pip, f"{self.wheel}[{extras}]", "--group", group)

    def check_origin(self) -> None:
        """The tests must not import the source tree, by whatever way."""
        asked = [self.python, "-c", _WHERE]
        said = subprocess.run(
            asked, cwd=self.place, env=_environment(), capture_output=True, text=True, check=False
        )
        paths = said.stdout.splitlines()
        inside = self.folder / "environment"
        if len(paths) != 2 or not all(Path(path).is_relative_to(inside) for path in paths):
            raise TrialError(f"clnwire is not from the wheel: {paths or said.stderr.strip()}")


def _environment() -> dict[str, str]:
    """Ours without what would lead to other modules."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept.setdefault("CLNWIRE_SHARED", str(ROOT.parent / "shared"))
    return kept


def _run(*words: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        shown = " ".join([Path(words[0]).name, *map(str, words[1:3])])
        raise TrialError(f"`{shown} …` ended with {done.returncode}")


def build(interpreter: Interpreter, into: Path) -> Path:
    """A wheel of this source tree for that Python."""
    maturin = (sys.executable, "-m", "maturin", "build", "--quiet", "--release", "--locked")
    target = ROOT / "target" / "wheels"
    _run(*maturin, "--target-dir", target, "--interpreter", interpreter.path, "--out", into)
    return find(interpreter, into)


def find(interpreter: Interpreter, folder: Path) -> Path:
    """The newest wheel for that Python; pip refuses it if it is for another machine."""
    name = f"clnwire-{project.version()}-{interpreter.tag}-*.whl"
    found = sorted(folder.glob(name), key=lambda wheel: wheel.stat().st_mtime)
    if not found:
        raise TrialError(f"there is no {name} in {folder}; `make wheel` builds one")
    return found[-1].resolve()


def attempt(interpreter: Interpreter, wheels: Path | None, words: Sequence[str]) -> str:
    """What came of it, in a few words."""
    print(f"\n== Python {interpreter.version}: {interpreter.path}", flush=True)
    begun = time.monotonic()
    try:
        wheel = find(interpreter, wheels) if wheels else build(interpreter, ROOT / "dist")
        with tempfile.TemporaryDirectory(prefix="clnwire-wheel-") as folder:
            trial = Trial(interpreter, wheel, Path(folder).resolve())
            trial.prepare()
            trial.test(words)
    except TrialError as error:
        return f"FAILED: {error}"
    return f"passed in {time.monotonic() - begun:.0f} s: {wheel.name}, {wheel.stat().st_size} bytes"


def chosen(named: Sequence[str]) -> list[Interpreter]:
    """Those that were named, by path or version, or all of this machine that the project is for."""
    here = {one.version: one for one in interpreters.on_this_machine()}
    if not named:
        wanted = {*project.pythons(), project.pythons()[-1] + "t"}
        return [one for one in here.values() if one.version in wanted]
    asked = {name: here.get(name) or interpreters.ask(Path(name)) for name in named}
    if absent := [name for name, one in asked.items() if one is None]:
        known = ", ".join(here) or "none"
        sys.exit(f"{', '.join(absent)}: no CPython that runs, and no version here ({known})")
    return [one for one in asked.values() if one]


def main() -> None:
    """Tries one after the other; ends with 1 if any failed, or there was none."""
    asked = argparse.ArgumentParser(prog="try_wheels", description=(__doc__ or "").split("\n")[0])
    asked.add_argument("--wheels", type=Path, help="take ready wheels from here, build none")
    asked.add_argument("--python", action="append", default=[], help="only this path or version")
    asked.add_argument("words", nargs="*", help="for pytest, behind `--`")
    options = asked.parse_args()
    tried = {one: attempt(one, options.wheels, options.words) for one in chosen(options.python)}
    print()
    for interpreter, outcome in tried.items():
        print(f"Python {interpreter.version:5} {outcome}")
    versions = {interpreter.version for interpreter in tried}
    if absent := [version for version in project.pythons() if version not in versions]:
        print(f"not tried: Python {', '.join(absent)}")
    if not tried:
        sys.exit("there is no Python here that clnwire is for")
    sys.exit(any(outcome.startswith("FAILED") for outcome in tried.values()))


if __name__ == "__main__":
    main()
