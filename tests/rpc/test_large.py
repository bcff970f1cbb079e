"""Large replies: linear time, and memory that is a small multiple of the reply."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.rpc.node import Node

SOURCE = """
import json, resource, sys, time
import msgspec
from clnwire.rpc import connect

def peak():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

with connect(sys.argv[1]) as rpc:
    rpc.call("small")
    before, started = peak(), time.process_time()
    result = rpc.call(sys.argv[2], type=msgspec.Raw)
    spent = time.process_time() - started
    assert len(bytes(memoryview(result)[-2:])) == 2
    print(json.dumps({"more": peak() - before, "cpu": spent, "size": len(memoryview(result))}))
"""

CHANNEL = b'{"source":"02' + b"ab" * 32 + b'","destination":"03' + b"cd" * 32 + b'","msat":1000}'
SIZES = {"small": 1_000, "25 MB": 25_000_000, "100 MB": 100_000_000}


def channels(size: int) -> bytes:
    return b'{"channels":[%s]}' % b",".join([CHANNEL] * (size // (len(CHANNEL) + 1)))


@pytest.fixture(scope="module")
def node():
    def register(host):
        for name, size in SIZES.items():
            host.command(name)(channels(size))

    with Node(register) as node:
        yield node


def call(node: Node, name: str) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, "-c", SOURCE, str(node.rpc_path), name],
        capture_output=True,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(run.stdout)
    assert measured["size"] > SIZES[name] * 0.99
    return measured


@pytest.mark.promise("a reply of 100 MB", "is copied at most twice")
def test_a_reply_of_100_megabytes_is_copied_twice_at_most(node):
    """Once from the socket into the framer's buffer, once out of it; nothing is left of both."""
    measured = call(node, "100 MB")
    assert measured["more"] < 2.2 * measured["size"]


def test_time_is_linear(node):
    quarter = min(call(node, "25 MB")["cpu"] for _ in range(3))
    whole = min(call(node, "100 MB")["cpu"] for _ in range(3))
    assert whole < 8 * quarter, "four times as large, with room for a noisy machine"
