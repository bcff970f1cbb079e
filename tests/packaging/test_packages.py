"""What a user gets: the wheel that an sdist builds, and the sdist itself."""

from __future__ import annotations

import email.message
import email.parser
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging import interpreters, project
from tests.packaging.project import ROOT
from tests.packaging.try_wheels import SOURCE_TESTS, Trial, TrialError, find

pytestmark = [pytest.mark.timeout(1800), pytest.mark.process]

PACKAGES = [ROOT / "python" / name for name in ("clnwire", "pytest_clnwire")]
LARGEST_WHEEL = 1_800_000
"""Bytes; 1.61 MB was measured."""


def source_files() -> set[str]:
    """All files of the packages, named as in a wheel."""
    return {
        path.relative_to(ROOT / "python").as_posix()
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".so" and "__pycache__" not in path.parts
    }


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
    information = f"clnwire-{project.version()}.dist-info"
    brought = {name for name in files if not name.startswith(f"{information}/")}
    extension = f"clnwire/_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    assert brought == source_files() | {extension}
    assert {"clnwire/py.typed", "clnwire/_core.pyi"} <= brought
    assert {name.removeprefix(f"{information}/") for name in files - brought} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "sboms/clnwire-python.cyclonedx.json",
    }
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_wheel_says_what_it_is(wheel: Path):
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("clnwire", project.version())
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == f">={project.pythons()[0]}"
    assert said["Description-Content-Type"].startswith("text/markdown")
    assert str(said.get_payload()).strip() == (ROOT / "README.md").read_text().strip()
    urls = dict(url.split(", ", 1) for url in said.get_all("Project-URL", []))
    assert urls["Repository"] == project.repository()
    assert all(url.startswith(project.repository()) for url in urls.values())


def test_the_index_will_render_both(wheel: Path, sdist: Path):
    twine = [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist]
    done = subprocess.run(twine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sdist_is_what_a_build_needs(sdist: Path):
    with tarfile.open(sdist) as archive:
        top = f"clnwire-{project.version()}/"
        names = {one.name.removeprefix(top) for one in archive if one.isfile()}
        assert not [one.name for one in archive if one.issym() or one.islnk()]
    assert {f"python/{name}" for name in source_files()} <= names
    assert {"Cargo.lock", "Cargo.toml", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} == {
        name for name in names if "/" not in name
    }
    assert {name.split("/")[0] for name in names if "/" in name} == {"python", "rust"}
    assert not [name for name in names if re.search(r"__pycache__|\.so$|rust/fuzz|generat", name)]


def test_an_empty_environment_tests_the_wheel_and_nothing_else(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    interpreter = interpreters.ask(Path(sys.executable))
    assert interpreter is not None
    assert find(interpreter, wheel.parent) == wheel.resolve()
    # What would lead back to the source tree.
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))
    trial = Trial(interpreter, wheel, tmp_path.resolve())
    trial.prepare()
    assert not (trial.place / "python").exists()
    trial.test(["tests/core/test_ids_and_outbox.py", "-q", "-n", "0"])
    with pytest.raises(TrialError, match=r"^`python -m pytest …` ended with 5$"):
        trial.test(["tests/core", "-q", "-n", "0", "-k", "no_test_has_this_name"])
    # The command line needs nothing of the source tree.
    for words in (["demo", "--writes", "20"], ["examples", "replica"]):
        command = [trial.python, "-m", "clnwire", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "replica.py").read_text() == (ROOT / "examples/replica.py").read_text()
    # Whoever puts the package where the tests are would test that instead, and is told.
    package = trial.place / "clnwire"
    package.mkdir()
    (package / "__init__.py").write_text("")
    with pytest.raises(TrialError, match="clnwire is not from the wheel"):
        trial.test(["tests/core/test_ids_and_outbox.py", "-q", "-n", "0"])


def test_what_is_left_out_is_what_imports_more_than_the_package():
    files = {test.partition("::")[0] for test in SOURCE_TESTS}
    assert [test for test in files if not (ROOT / test).exists()] == []
    beside = "|".join(path.stem for path in (ROOT / "python").iterdir() if path not in PACKAGES)
    imports = re.compile(rf"^\s*(from|import) ({beside})\b", re.MULTILINE)
    needing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if imports.search(path.read_text())
    }
    missing = {test for test in needing if not files & {test, test.rpartition("/")[0]}}
    assert not missing, "add these to SOURCE_TESTS"


def test_without_a_wheel_for_it(tmp_path: Path):
    interpreter = interpreters.Interpreter(Path("python3.14t"), "3.14t", (0, True))
    with pytest.raises(TrialError, match=r"there is no clnwire-.+-cp314-cp314t-\*\.whl in .*`make"):
        find(interpreter, tmp_path)
