"""The workflows are valid, build and try what the project says it is for, and are careful."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from clnwire._wire.dialect import FOLLOWED
from tests.packaging import project
from tests.packaging.project import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
FREE_THREADED = project.pythons()[-1] + "t"
ALL_PYTHONS = [*project.pythons(), FREE_THREADED]
MOVING = re.compile(r"[\w.-]+/[\w./-]+@v\d+")
FIXED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def jobs(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())["jobs"]


def matrix(job: dict[str, Any]) -> dict[str, Any]:
    return job["strategy"]["matrix"]


def steps(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in yaml.safe_load(file.read_text())["jobs"].items():
        yield from ((name, step) for step in job["steps"])


def setting(name: str) -> list[str]:
    """The words that the Makefile sets a name to."""
    found = re.search(rf"^{name} \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_both_are_there():
    assert [file.name for file in FILES] == ["ci.yml", "wheels.yml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_they_are_workflows(file: Path):
    schema = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    done = subprocess.run([*schema, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actionlint_has_nothing_to_say(file: Path):
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("needs actionlint on the PATH")
    done = subprocess.run([actionlint, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pythons_are_those_of_the_project():
    oldest, newest = project.pythons()[0], project.pythons()[-1]
    assert f'requires-python = ">={oldest}"' in (ROOT / "pyproject.toml").read_text()
    every = [f"3.{minor}" for minor in range(int(oldest[2:]), int(newest[2:]) + 1)]
    assert project.pythons() == every
    assert all(version in SpecifierSet(f">={oldest}") for version in every)


def test_ci_tries_every_python_on_both_systems_and_both_rusts():
    ci = jobs("ci")
    assert matrix(ci["test"])["python"] == project.pythons()
    assert set(matrix(ci["test"])["os"]) == set(matrix(ci["rust"])["os"])
    assert {system.split("-")[0] for system in matrix(ci["test"])["os"]} == {"ubuntu", "macos"}
    assert matrix(ci["rust"])["rust"] == ["stable", project.oldest_rust()]
    versions = [step.get("with", {}).get("python-version") for step in ci["free-threaded"]["steps"]]
    assert FREE_THREADED in versions


def test_ci_runs_the_node_that_clnwire_follows():
    node = jobs("ci")["node"]
    assert matrix(node)["lightningd"] == [FOLLOWED]
    assert node["steps"][-1]["run"].startswith("make test-node ")


def test_wheels_are_built_for_every_python():
    assert setting("WHEEL_PYTHONS") == ALL_PYTHONS
    (setup,) = (step for step in jobs("wheels")["macos"]["steps"] if "setup-python" in str(step))
    assert sorted(setup["with"]["python-version"].split()) == sorted(ALL_PYTHONS)
    (make,) = (step["run"] for step in jobs("wheels")["macos"]["steps"] if "WHEEL_" in str(step))
    assert re.findall(r"python(3\S+?)[\s\"]", make) == ALL_PYTHONS


def test_every_wheel_is_tried_before_it_is_published():
    wheels = jobs("wheels")
    built = {*matrix(wheels["linux"])["target"]}
    built |= {one["target"] for one in matrix(wheels["macos"])["include"]}
    tried: set[str] = set()
    for name in ("test", "test-musl", "test-armv7"):
        tried |= {one["target"] for one in matrix(wheels[name])["wheels"]}
        pythons = matrix(wheels[name])["python"]
        assert pythons == (ALL_PYTHONS if name == "test" else project.pythons())
        assert name in wheels["publish"]["needs"]
    assert tried == built
    assert {target.split("-")[0] for target in built} == {"x86_64", "aarch64", "armv7"}
    assert {"check", "sdist"} <= set(wheels["publish"]["needs"])
    assert wheels["publish-crate"]["needs"] == ["publish"]


@pytest.mark.parametrize(
    ("target", "linking"),
    [
        ("armv7-unknown-linux-gnueabihf", "--zig --compatibility manylinux2014 --interpreter"),
        ("x86_64-unknown-linux-musl", "--zig --compatibility musllinux_1_2 --interpreter"),
        ("aarch64-apple-darwin", "--target aarch64-apple-darwin --interpreter"),
    ],
)
def test_each_target_is_linked_its_way(target: str, linking: str):
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    command = [make, "--dry-run", "portable-wheels", f"TARGET={target}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (build,) = (line for line in done.stdout.splitlines() if f"--target {target}" in line)
    assert f"{linking} {' '.join(ALL_PYTHONS)}" in " ".join(build.split())


def test_every_command_of_make_and_every_script_is_there():
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in FILES:
        text = file.read_text()
        assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= rules
        for module in re.findall(r"-m (tests\.[\w.]+)", text):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_they_may_do_no_more_than_they_must(file: Path):
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    may_write = {
        name: {of for of, what in job["permissions"].items() if what == "write"}
        for name, job in workflow["jobs"].items()
        if "permissions" in job
    }
    publishing = {"publish": {"id-token", "attestations"}, "publish-crate": {"id-token"}}
    assert may_write == (publishing if file.name == "wheels.yml" else {})
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert "secrets." not in file.read_text()
    assert "pull_request_target" not in file.read_text()
    for _, step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_and_those_that_publish_to_one_commit(file: Path):
    for job, step in steps(file):
        if (action := step.get("uses")) is None:
            continue
        is_githubs = action.startswith("actions/")
        is_publishing = job.startswith("publish") and not is_githubs
        assert FIXED.fullmatch(action) or (MOVING.fullmatch(action) and not is_publishing), action
    for line in file.read_text().splitlines():
        if re.search(r"@[0-9a-f]{40}", line):
            assert re.search(r" # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("issue-forms", "fault.yml"),
        ("issue-forms", "wish.yml"),
        ("issue-config", "config.yml"),
    ],
)
def test_the_templates_for_issues_are_forms(schema: str, file: str):
    form = FOLDER.parent / "ISSUE_TEMPLATE" / file
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    ended = subprocess.run(
        [*check, f"vendor.github-{schema}", str(form)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
