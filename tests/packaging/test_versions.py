"""One version, wherever it is shown; and nothing is published under another one."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys

import pytest

import clnwire
from tests.packaging import before_release, project
from tests.packaging.project import ROOT


def test_every_version_is_the_workspaces():
    version = project.version()
    assert clnwire.__version__ == version
    assert importlib.metadata.version("clnwire") == version
    command = [sys.executable, "-m", "clnwire", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == f"clnwire {version}\n"
    locked = re.findall(r'name = "clnwire-.+"\nversion = "(.+)"', (ROOT / "Cargo.lock").read_text())
    assert locked == [version] * 5


def test_no_other_file_says_it():
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
    for crate in ("core", "io", "load", "python"):
        manifest = (ROOT / "rust" / crate / "Cargo.toml").read_text()
        assert "version.workspace = true" in manifest
        assert f'"{project.version()}"' not in manifest


def test_the_changelog_is_at_this_version_or_after_it():
    change = project.newest_change()
    assert change == "Unreleased" or change.startswith(f"{project.version()} - ")


def test_what_may_be_published(monkeypatch: pytest.MonkeyPatch):
    address = "https://host.example/me/clnwire"
    monkeypatch.setattr(project, "version", lambda: "1.2.3")
    monkeypatch.setattr(project, "newest_change", lambda: "1.2.3 - 2030-01-31")
    monkeypatch.setattr(project, "repository", lambda: address)
    assert before_release.obstacles("v1.2.3", address) == []
    (tag,) = before_release.obstacles("v1.2.4", address)
    assert tag == "the tag is v1.2.4, but Cargo.toml says 1.2.3: tag v1.2.3, or change it"
    (place,) = before_release.obstacles("v1.2.3", "https://host.example/you/clnwire")
    assert "name https://host.example/me/clnwire: fill it in" in place
    for title in ("Unreleased", "1.2.3", "1.2.30 - 2030-01-31"):
        monkeypatch.setattr(project, "newest_change", lambda title=title: title)
        (change,) = before_release.obstacles("v1.2.3", address)
        assert f"begins with '## {title}'" in change


def test_the_check_needs_no_package_and_says_why_not(tmp_path):
    command = ["-m", "tests.packaging.before_release", "v0", "https://host.example/x"]
    run = subprocess.run(
        [sys.executable, "-S", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "the tag is v0" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_core_crate_can_be_published_alone():
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("needs cargo")
    command = [cargo, "metadata", "--locked", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    published = {one["name"]: one for one in packages["packages"] if one["publish"] != []}
    assert list(published) == ["clnwire-core"]
    core = published["clnwire-core"]
    for member in ("description", "license", "documentation", "readme", "keywords", "categories"):
        assert core[member], member
    assert core["repository"] == project.repository()
    assert core["rust_version"] == project.oldest_rust()
    # It is unpacked elsewhere and compiled there.
    command = [cargo, "package", "--locked", "--allow-dirty", "--package", "clnwire-core"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [*command, "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"Cargo.toml", "LICENSE", "README.md", "src/lib.rs"} <= set(listed.stdout.split())
