"""What docs/run.md shows is what one sees."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.cli._group import names
from tests.cli.terminal import Running, clnwire, short_folder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "run.md").read_text()

folder = pytest.fixture(short_folder)


def test_the_two_terminals(folder: Path) -> None:
    first, second = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    command, _, shown = first.partition("\n")
    with Running(folder, *shlex.split(command)[3:], cwd=ROOT) as host:
        host.ready()
        text = "".join(host.output).replace(f" --lightning-dir={folder}", "")
        assert text.replace(str(folder), "~/.clnwire") == shown
        for command, shown in re.findall(
            r"^\$ clnwire (.*)\n((?:[^$].*\n)+)", second, re.MULTILINE
        ):
            name, *words = shlex.split(command)
            done = host.call(*words, command=name)
            assert done.stdout + done.stderr == shown
        assert host.ended()[0] == 0


def test_the_configuration_file(folder: Path) -> None:
    (content,) = re.findall(r"^```\n(# .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    conf = folder / "config"
    conf.write_text(content.replace("/home/user", str(ROOT / "examples")))
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
    assert {"call", "demo", "fire", "hook", "replay", "run"} <= set(names())
    listed = clnwire("--help").stdout
    assert all(name in listed for name in names())
