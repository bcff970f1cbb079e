"""What docs/run.md shows is what one sees; `tests/docs` follows its terminals."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.cli._group import names
from tests.cli.terminal import Running, clnwire, short_folder
from tests.cli.test_replay import capture, incoming, outgoing
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


@pytest.mark.parametrize(
    ("command", "page"),
    [
        ("run", "run"),
        ("call", "run"),
        ("record", "captures"),
        ("trace", "captures"),
        ("replay", "captures"),
        ("bench", "performance"),
    ],
)
def test_the_tables_have_all_options(command: str, page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    helped = set(re.findall(r"│ (--[a-z-]+)", clnwire(command, "--help").stdout)) - {"--help"}
    assert helped
    for option in helped:
        assert f"`{option}" in text, option


def test_commands_are_found_by_their_module() -> None:
    assert {"call", "demo", "fire", "hook", "new", "replay", "run"} <= set(names())
    listed = clnwire("--help").stdout
    assert all(name in listed for name in names())


def test_what_a_trace_looks_like(shared: Path) -> None:
    page = (DOCS / "captures.md").read_text()
    ((command, shown),) = re.findall(r"^\$ clnwire (trace .*)\n((?:.+\n)+?)```", page, re.MULTILINE)
    words = [word.replace("node.", f"{shared}/captures/node.") for word in shlex.split(command)]
    assert clnwire(*words).stdout == shown


def test_what_a_difference_looks_like(folder: Path) -> None:
    page = (DOCS / "captures.md").read_text()
    pattern = r"^\$ clnwire (replay .*)\n((?:.+\n)+?)```"
    ((command, shown),) = re.findall(pattern, page, re.MULTILINE)
    (folder / "plugin.py").symlink_to(ROOT / "examples" / "hello.py")
    configuration = {"lightning-dir": "/tmp", "rpc-file": "lightning-rpc", "network": "regtest"}
    frames = [
        incoming("getmanifest", {}, "cln:getmanifest#1"),
        incoming("init", {"options": {}, "configuration": configuration}, "cln:init#2"),
    ]
    for name, greeted in (("Alice", "Alice"), ("Bob", "World"), ("Carol", "Carol")):
        frames.append(incoming("hello", [name], f"cln:hello#{name}"))
        frames.append(outgoing(f"cln:hello#{name}", result=f"Hello {greeted}"))
    words = shlex.split(command.replace("node.jsonl.gz", str(capture(folder, frames))))
    done = clnwire(*words, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert shown.startswith("...\n")
    assert done.stdout.endswith(shown[3:])


def test_the_script_for_lightningd(folder: Path) -> None:
    page = (DOCS / "captures.md").read_text()
    (console,) = re.findall(r"^\$ clnwire (record .*\n.*)", page, re.MULTILINE)
    command, _, shown = console.partition("\n")
    (folder / "plugin.py").write_text((ROOT / "examples" / "hello.py").read_text())
    done = clnwire(*shlex.split(command.replace("~", str(folder))), cwd=folder)
    assert done.stdout == f"{shown}\n".replace("/home/user", str(folder))
    assert (folder / "captures").is_dir()
    (written,) = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    first, second = (folder / "recorded.sh").read_text().splitlines()
    assert [first, second.split(" -m ")[1].split(" -o ")[0], second[-4:]] == [
        written.splitlines()[0],
        "clnwire record",
        written.splitlines()[1][-4:],
    ]
