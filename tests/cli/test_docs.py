"""What docs/run.md shows is what one sees; `tests/docs` follows its terminals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.cli._group import names
from tests.cli.terminal import Running, clnwire, short_folder
from tests.docs.pages import DOCS, ROOT, blocks

PAGE = (DOCS / "run.md").read_text()

folder = pytest.fixture(short_folder)


def test_the_configuration_file(folder: Path) -> None:
    (block,) = blocks(DOCS / "run.md", "ini")
    conf = folder / "config"
    conf.write_text(block.text.replace("/home/user", str(ROOT / "examples")))
    with Running(folder, f"--conf={conf}") as host:
        host.ready()
        assert host.call("hello").stdout == '"Hello Hi"\n'


@pytest.mark.parametrize("command", ["run", "call"])
def test_the_tables_have_all_options(command: str) -> None:
    helped = re.findall(r"│ (--[a-z-]+)", clnwire(command, "--help").stdout)
    assert helped
    for option in helped:
        assert option in PAGE, option


def test_commands_are_found_by_their_module() -> None:
    assert {"call", "demo", "fire", "hook", "new", "replay", "run"} <= set(names())
    listed = clnwire("--help").stdout
    assert all(name in listed for name in names())
