"""Signals that come while the plugin waits for the daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import clnwire.pyln

pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
pytestmark = pytest.mark.process

FOLDER = str(Path(clnwire.pyln.__file__).parent / "path")
PLUGIN = """
import signal, sys
from pyln.client import Plugin

plugin = Plugin()


def say(number, frame):
    plugin.log(f"heard {number}")


def leave(number, frame):
    plugin.log("leaves")
    sys.exit(4)


signal.signal(signal.SIGUSR1, say)
signal.signal(signal.SIGTERM, leave)


@plugin.method("m")
def m():
    return 1


plugin.run()
"""


@pytest.mark.parametrize("folder", [None, FOLDER], ids=["theirs", "ours"])
def test_handlers_of_its_own_run_at_once(tmp_path: Path, folder: str | None) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    env = {**os.environ, "LIGHTNINGD_PLUGIN": "1", **({"PYTHONPATH": folder} if folder else {})}
    command = [sys.executable, str(tmp_path / "plugin.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
    ) as plugin:
        assert plugin.stdin is not None
        assert plugin.stdout is not None
        for _ in range(2):
            plugin.stdin.write('{"id": 1, "method": "m", "params": []}\n\n')
            plugin.stdin.flush()
            assert json.loads(plugin.stdout.readline())["result"] == 1
            plugin.send_signal(signal.SIGUSR1)
            assert plugin.stdout.readline() == "\n"
            assert f"heard {int(signal.SIGUSR1)}" in plugin.stdout.readline()
            assert plugin.stdout.readline() == "\n"
        plugin.send_signal(signal.SIGTERM)
        assert "leaves" in plugin.stdout.read()
        assert plugin.wait() == 4
