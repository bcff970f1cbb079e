"""Measures the way from a message's bytes to its handler and back, in a process behind pipes.

Messages are sent in batches: each figure is for `BATCH` messages, which share the system calls.
The comparison is a bare loop around each JSON library, which validates nothing. Each benchmark
checks every reply.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from peer import Peer
from traffic import compact

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 64
WRITES = ["UPDATE channels SET next_htlc_id=17 WHERE id=3;" + "x" * 200]
CONNECT = {"id": "02" * 33, "direction": "in", "address": {"type": "ipv4", "port": 9735}}


@pytest.fixture(params=["clnwire", "json", "orjson", "msgspec"])
def plugin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    pytest.importorskip(request.param)
    monkeypatch.setenv("CLNWIRE_BENCH_LIBRARY", request.param)
    script = "clnwire_dispatch.py" if request.param == "clnwire" else "loop_dispatch.py"
    peer = Peer(script)
    yield peer
    peer.close()


def requests(method: str, params: object) -> bytes:
    """A batch of requests with ids from 0 up."""
    text = compact(params).decode()
    head = '{"jsonrpc":"2.0","id":"cln:%s#%d","method":"%s","params":%s}\n\n'
    return "".join(head % (method, n, method, text) for n in range(BATCH)).encode()


def answers(plugin: Peer, batch: bytes, count: int = BATCH) -> bytes:
    """The plugin's answers to a batch, which must fit into the pipe."""
    assert os.write(plugin.input, batch) == len(batch)
    answer = b""
    while answer.count(b"\n\n") < count:
        answer += os.read(plugin.output, 65536)
    return answer


def are_all_answered(answer: bytes, method: str, result: object) -> bool:
    replies = [json.loads(text) for text in answer.split(b"\n\n")[:-1]]
    expected = [(f"cln:{method}#{n}", result) for n in range(BATCH)]
    return [(reply["id"], reply["result"]) for reply in replies] == expected


def test_hooks(benchmark: Any, plugin: Peer) -> None:
    batch = requests("db_write", {"data_version": 7, "writes": WRITES})
    answer = benchmark(answers, plugin, batch)
    assert are_all_answered(answer, "db_write", {"result": "continue"})


def test_methods(benchmark: Any, plugin: Peer) -> None:
    batch = requests("scale", {"amount": 7, "factor": 6})
    assert are_all_answered(benchmark(answers, plugin, batch), "scale", {"amount": 42})


def test_notifications(benchmark: Any, plugin: Peer) -> None:
    """The request after each batch is answered when all notifications have been handled."""
    payload = {"jsonrpc": "2.0", "method": "connect", "params": {"connect": CONNECT}}
    batch = (compact(payload) + b"\n\n") * BATCH
    ask = b'{"jsonrpc":"2.0","id":1,"method":"connected","params":{}}\n\n'
    counts: list[int] = []

    def one() -> None:
        counts.append(json.loads(answers(plugin, batch + ask, 1))["result"])

    benchmark(one)
    assert counts == [BATCH * (n + 1) for n in range(len(counts))]
