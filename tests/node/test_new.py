"""What `clnwire new` writes, started by a real lightningd."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import clnwire
from tests.node.node import Node

pytestmark = pytest.mark.process


@pytest.mark.parametrize("form", [[], ["--package"]], ids=["script", "package"])
def test_the_line_that_it_prints_starts_the_plugin(
    form: list[str], tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = clnwire("new", "fee-watch", *form, cwd=tmp_path).stdout.splitlines()[-1]
    (option,) = shlex.split(line)[1:]
    # As in a shell where the environment is active.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    node.start(option)
    assert node.call("fee-watch", ["Rusty"]) == "Hello Rusty"
    assert node.stop() == 0
