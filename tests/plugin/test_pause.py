"""Where the reading pauses although handlers wait for the daemon, the log says so."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

PAUSES = "reading pauses, for "
MEGABYTE = "x" * 1_000_000


@pytest.mark.parametrize("body", ["event_loop", "thread"])
def test_a_pause_that_may_never_end_is_in_the_log(plugin, body):
    head = {
        "event_loop": '@plugin.subscribe("connect")\nasync def wait(event: bytes):\n'
        '    await plugin.rpc.aio.call("getinfo")',
        "thread": '@plugin.subscribe("connect", thread=True)\ndef wait(event: bytes):\n'
        '    plugin.rpc.call("getinfo")',
    }
    daemon = plugin(f"plugin = Plugin(max_in_flight=10)\n\n{head[body]}\n")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as commands:
        commands.bind(os.fspath(Path(folder) / "rpc"))
        commands.listen()
        daemon.start(**{"lightning-dir": folder, "rpc-file": "rpc"})
        daemon.notify("connect", {"id": "first"})
        caller, _ = commands.accept()
        with caller:
            # More than the plugin reads.
            flood = threading.Thread(target=send, args=(daemon, 80))
            flood.start()
            while PAUSES not in (line := daemon.receive()["params"])["message"]:
                pass
            assert line["level"] == "warn"
            assert "queue behind handlers that wait for the daemon's commands" in line["message"]
            daemon.process.kill()
            flood.join()


def send(daemon: Any, count: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        for _ in range(count):
            daemon.notify("connect", {"id": MEGABYTE})
