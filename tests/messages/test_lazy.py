"""A plugin pays for the messages that it uses, and for no others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clnwire import hooks, messages, notifications, types
from clnwire.hooks._catalogue import HOOKS
from clnwire.notifications._catalogue import TYPED


def imported(source: str) -> set[str]:
    """The modules of messages that are there after this source has run."""
    show = "import sys; print(*(name for name in sys.modules if name.startswith('clnwire.')))"
    run = subprocess.run(
        [sys.executable, "-c", f"{source}\n{show}"], capture_output=True, text=True, check=True
    )
    return {
        name
        for name in run.stdout.split()
        if name.startswith(("clnwire.hooks.", "clnwire.notifications."))
        and name.rpartition(".")[2] in HOOKS | TYPED
    }


def test_importing_clnwire_imports_no_message():
    assert imported("import clnwire") == set()
    assert imported("import clnwire.hooks, clnwire.notifications") == set()


def test_a_handler_imports_its_own_message():
    plugin = "from clnwire import Plugin; plugin = Plugin()\n"
    assert imported(plugin + "plugin.hook('openchannel')(lambda event: None)") == {
        "clnwire.hooks.openchannel"
    }
    assert imported(plugin + "plugin.subscribe('block_added')(lambda event: None)") == {
        "clnwire.notifications.block_added"
    }
    assert imported("from clnwire.hooks import CONTINUE, DbWrite") == {"clnwire.hooks.db_write"}


@pytest.mark.parametrize("package", [hooks, notifications, messages, types])
def test_every_name_is_there_and_listed(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = package.Nonsense
    assert len(set(package.__all__)) == len(package.__all__)


def test_no_name_stands_for_two_things():
    """So that a plugin can import all that it needs without renaming."""
    shared = set(hooks.__all__) & set(notifications.__all__)
    assert shared == {"CustomMsg"}
    assert hooks.CustomMsg is notifications.CustomMsg
