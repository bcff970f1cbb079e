"""The map in `docs/design.md` names each folder of the repository, and no other."""

from __future__ import annotations

import re
import subprocess
from pathlib import PurePosixPath

import pytest

from tests.docs.pages import DOCS, ROOT

TEXT = (DOCS / "design.md").read_text()
MAP = TEXT.partition("## The map\n")[2].partition("\n## ")[0]
NAMED = {
    name for row in re.findall(r"^\| (`.+?) \|", MAP, re.M) for name in re.findall(r"`(.+?)`", row)
}
"""The folders of its first column; `**` stands for all that is below."""


@pytest.fixture(scope="module")
def folders() -> set[str]:
    """The folders that hold a tracked file, at any depth."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("needs a clone, whose files git lists")
    files = [PurePosixPath(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    return {str(file.parent) for file in files if len(file.parts) > 1}


def test_each_folder_has_a_line(folders: set[str]) -> None:
    trees = tuple(f"{name.removesuffix('/**')}/" for name in NAMED if name.endswith("/**"))
    missing = {each for each in folders if each not in NAMED and not f"{each}/".startswith(trees)}
    assert missing == set(), "give them a line in the map of docs/design.md"


def test_each_line_has_its_folder(folders: set[str]) -> None:
    for name in NAMED:
        tree = name.removesuffix("/**")
        assert any(f"{each}/".startswith(f"{tree}/") for each in folders), f"there is no {tree}"


def test_the_files_that_the_page_names_exist() -> None:
    paths = re.findall(r"`((?:rust|python|tests|docs|examples|benches)/[\w/.]+)`", TEXT)
    assert len(paths) > 40
    assert [path for path in paths if not (ROOT / path).exists()] == []
    modules = re.findall(r"`clnwire\.(_[\w.]+)`", TEXT)
    for module in set(modules) - {"_core"}:
        path = ROOT / "python" / "clnwire" / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or path.is_dir(), module
