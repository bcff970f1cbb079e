"""What docs/rpc.md shows of programs that are no plugins runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from clnwire.rpc.blocking import MAX_CONNECTIONS
from commands_generator.versions import OLDEST
from tests.rpc.node import GETINFO, Node, echo

PAGE = Path(__file__).parents[2] / "docs/rpc.md"


def test_a_program():
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (program,) = (block for block in blocks if "import connect" in block)
    with Node(echo) as node:
        program = program.replace("/home/me/.lightning/regtest/lightning-rpc", str(node.path))
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
    assert run.stdout.strip() == GETINFO["id"]


def test_the_numbers_are_the_real_ones():
    page = PAGE.read_text()
    assert f"at most {MAX_CONNECTIONS}\n" in page
    assert f"daemons from v{OLDEST[0]}.{OLDEST[1]} on are understood" in page
