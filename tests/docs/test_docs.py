"""What the docs show is true: snippets run, links lead somewhere, errors are the real ones.

Blocks of a terminal are followed by `test_sessions.py`, those with a host run by
`tests/host/test_docs.py`, those with pyln-client by `test_pyln.py`.
"""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.daemon import Daemon
from tests.docs.pages import DOCS, PAGES, ROOT, all_blocks, anchors, blocks
from tests.packaging import project

RUN_OR_PARSED = {"console", "json", "python", "sh", "toml"}
PUBLISHED = project.repository()
SHOWN = {"text"}
"""Diagrams, tables, what a program says by itself."""

PLUGINS = [
    block
    for block in all_blocks("python")
    if not (block.file or block.run_by or block.not_run)
    if "clnwire.host" not in block.text and "pyln.client" not in block.text
]


@pytest.fixture
def start(tmp_path):
    daemons: list[Daemon] = []

    def started(source: str) -> Daemon:
        path = tmp_path / "snippet.py"
        path.write_text(source if "plugin.run()" in source else source + "\nplugin.run()\n")
        daemons.append(Daemon(path, is_forked=True))
        return daemons[-1]

    yield started
    for daemon in daemons:
        daemon.close()


@pytest.mark.parametrize("block", PLUGINS, ids=str)
def test_snippets_are_plugins_that_run(start, block):
    daemon = start(block.text)
    manifest = daemon.getmanifest()
    assert daemon.init() == {}
    assert any(manifest[part] for part in ("options", "rpcmethods", "hooks", "subscriptions"))
    assert daemon.hang_up() == 0
    assert "error" not in daemon.log_text()


@pytest.mark.parametrize("block", all_blocks(), ids=str)
def test_every_block_is_run_or_says_why_not(block):
    if block.run_by is not None:
        runner = (ROOT / block.run_by).read_text()
        assert block.page.name in runner, f"{block.run_by} does not know of {block.page.name}"
        return
    if block.not_run is not None:
        pytest.skip(f"not run: {block.not_run}")
    known = ", ".join(sorted(RUN_OR_PARSED | SHOWN))
    assert block.language in RUN_OR_PARSED | SHOWN, (
        f"say what it is, behind the backticks: {known}; or above it, as a comment, "
        "<!-- run by tests/... --> or <!-- not run: why -->"
    )


@pytest.mark.parametrize("block", all_blocks("json", "toml"), ids=str)
def test_data_is_well_formed(block):
    if block.language == "json":
        json.loads(block.text)
    else:
        tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
        assert tomllib.loads(block.text)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_page_shows_what_really_comes(start, page):
    (console, *_) = blocks(ROOT / page, "console")
    (first, *_) = blocks(ROOT / page, "python")
    assert len(first.text.strip().splitlines()) <= 15
    calls = re.findall(r"^\$ lightning-cli hello (.*)\n(.*)$", console.text, re.MULTILINE)
    daemon = start(first.text)
    daemon.start({"greeting": "World"})
    (good, shown), (bad, shown_error) = calls
    assert daemon.call("hello", [int(good)]) == shown.strip('"')
    error = daemon.request("hello", [bad])["error"]
    assert shown_error == json.dumps(error, separators=(",", ":"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    up = "" if page.parent == ROOT else "../"
    text = re.sub(rf"{PUBLISHED}/(?:blob|raw)/main/", up, page.read_text())
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if target.startswith("http"):
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def test_the_readme_can_be_read_where_packages_are_listed():
    targets = re.findall(r"\]\((\S+)\)", (ROOT / "README.md").read_text())
    assert len(targets) > 15
    assert [target for target in targets if not target.startswith(PUBLISHED)] == []


def test_every_page_is_in_the_list_of_pages():
    listed = re.findall(r"^- \[[^]]+\]\(([^)]+\.md)\)", (DOCS / "index.md").read_text(), re.M)
    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert pages - set(listed) == set(), "add them to the lists of docs/index.md"
    assert len(listed) == len(pages)
