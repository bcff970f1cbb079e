"""What docs/rpc.md shows of programs that are not plugins runs as it stands."""

from __future__ import annotations

import subprocess
import sys

from clnwire.rpc._caller import MAX_CONNECTIONS
from commands_generator.versions import OLDEST
from tests.docs.pages import DOCS, blocks
from tests.rpc.node import GETINFO, Node, echo

PAGE = DOCS / "rpc.md"


def test_a_program():
    (block,) = (block for block in blocks(PAGE, "python") if "import connect" in block.text)
    with Node(echo) as node:
        path = str(node.rpc_path)
        program = block.text.replace("/home/me/.lightning/regtest/lightning-rpc", path)
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
    assert run.stdout.strip() == GETINFO["id"]


def test_the_numbers_are_the_real_ones():
    page = PAGE.read_text()
    assert f"at most {MAX_CONNECTIONS}\n" in page
    assert f"daemons from v{OLDEST[0]}.{OLDEST[1]} on are understood" in page
