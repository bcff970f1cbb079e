"""What the docs show is true: snippets run, links lead somewhere, errors are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.daemon import Daemon

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PRELUDE = """
from clnwire import Plugin
plugin = Plugin()
my_backup = []
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


SNIPPETS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "python"), 1)
    # A test of the user's own, the host's side, or no plugin: run by the tests of the host and rpc.
    if "clnwire.host" not in block and "clnwire.rpc import connect" not in block
]


@pytest.fixture
def start(tmp_path):
    daemons: list[Daemon] = []

    def started(source: str) -> Daemon:
        path = tmp_path / "snippet.py"
        if "Plugin()" not in source:
            source = PRELUDE + source
        path.write_text(source if "plugin.run()" in source else source + "\nplugin.run()\n")
        daemons.append(Daemon(path))
        return daemons[-1]

    yield started
    for daemon in daemons:
        daemon.close()


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets_are_plugins_that_run(start, snippet):
    daemon = start(snippet)
    manifest = daemon.getmanifest()
    assert daemon.init() == {}
    assert any(manifest[part] for part in ("options", "rpcmethods", "hooks", "subscriptions"))
    assert daemon.hang_up() == 0
    assert "error" not in daemon.log_text()


def test_the_readme_shows_what_really_comes(start):
    readme = ROOT / "README.md"
    (console,) = blocks(readme, "console")
    assert len(blocks(readme, "python")[0].strip().splitlines()) <= 15
    calls = re.findall(r"^\$ lightning-cli hello (.*)\n(.*)$", console, re.MULTILINE)
    daemon = start(blocks(readme, "python")[0])
    daemon.start({"greeting": "World"})
    (good, shown), (bad, shown_error) = calls
    assert daemon.call("hello", [int(good)]) == shown.strip('"')
    error = daemon.request("hello", [bad])["error"]
    assert shown_error == f'{{"code":{error["code"]},"message":"{error["message"]}"}}'


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
