"""What `docs/check.md` says of `clnwire check` is true."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from clnwire.checking import RULES
from clnwire.checking.catalogue import GROUPS
from tests.cli.terminal import clnwire
from tests.docs.generated import assert_current
from tests.docs.pages import DOCS, ROOT, blocks
from tests.host.raw import write_plugin

PAGE = DOCS / "check.md"


def test_the_rules_are_current():
    assert_current("generate_rules.py")


def test_codes_and_names_are_unique_and_complete():
    for names in ([rule.code for rule in RULES], [rule.name for rule in RULES]):
        assert len(names) == len(set(names))
    for rule in RULES:
        assert re.fullmatch(r"CW[0-8]\d\d", rule.code)
        assert rule.code[2] in GROUPS
        assert rule.fix.endswith(".")
        assert rule.reason.endswith(".")


def test_the_options_are_in_the_table():
    helped = re.findall(r"│ (--[a-z-]+)", clnwire("check", "--help").stdout)
    assert len(helped) >= 9
    for option in helped:
        if option != "--help":
            assert f"`{option}" in PAGE.read_text() or f", `{option}" in PAGE.read_text(), option


def test_the_output_is_what_one_sees(tmp_path):
    (console,) = blocks(PAGE, "console")
    body = """
    MANIFEST["hooks"] = ["peer_connected"]
    def send(**members):
        say(json.dumps({"jsonrpc": "2.0", **members}, separators=(",", ":")))
    def answer(message):
        return {"result": "allow"}
    """
    command, _, shown = console.text.partition("\n")
    assert command == "$ clnwire check guard.py"
    done = clnwire("check", write_plugin(tmp_path, body, "guard.py"))
    assert _timeless(done.stdout) == _timeless(shown)


def _timeless(text: str) -> str:
    return re.sub(r"\d+\.\d s\)", "s)", text)


def test_the_program_runs():
    (program,) = blocks(PAGE, "python")
    done = subprocess.run([sys.executable, "-c", program.text], cwd=ROOT, check=False)
    assert done.returncode == 0
