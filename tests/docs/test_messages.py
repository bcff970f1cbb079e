"""`docs/messages.md` is what the Structs say today, and says something of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clnwire import hooks, messages, notifications
from clnwire.hooks._catalogue import HOOKS
from generate_messages import hook_facts

ROOT = Path(__file__).parents[2]


def test_the_page_is_current():
    run = subprocess.run(
        [sys.executable, ROOT / "python" / "generate_messages.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("package", [hooks, notifications, messages])
def test_no_struct_is_left_out(package):
    page = (ROOT / "docs" / "messages.md").read_text()
    constants = {"CONTINUE", "Continue", "SentPart"}
    assert [name for name in package.__all__ if f"`{name}`" not in page] == sorted(
        constants & set(package.__all__) - {"CONTINUE"}
    )


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_each_hook_tells_what_happens_on_failure(hook):
    assert set(hook_facts(hook)) == {"Kind", "Safe answer", "Any other answer"}
