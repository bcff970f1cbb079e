"""Threads that use a command for the first time at the same moment: msgspec alone would crash."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rpc.node import Node

SOURCE = """
import sys, threading
from clnwire.rpc import connect

sys.setswitchinterval(1e-6)
start, results = threading.Barrier(16), []
with connect(sys.argv[1]) as rpc:
    def work():
        start.wait()
        results.append(rpc.listconfigs())
        results.append(rpc.listpeerchannels())
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
assert len(results) == 32, len(results)
"""


@pytest.mark.parametrize("attempt", range(8))
def test_sixteen_threads_at_once(attempt):
    def register(host):
        host.command("listconfigs")({"configs": {}})
        host.command("listpeerchannels")({"channels": []})

    with Node(register) as node:
        run = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", SOURCE, str(node.rpc_path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
