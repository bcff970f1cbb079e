"""Ids and outbox as Python sees them."""

from __future__ import annotations

import json
import random

import pytest

from clnwire._core import IdError, IdMap, Outbox

TOKENS = [b'"a/cln:x#1"', b"7", b"-0", b"1e2", b"null", b"12345678901234567890", b'"\\u00e9\\""']


@pytest.mark.promise("100,000 requests are open at once")
def test_tokens_come_back_verbatim_and_once():
    ids = IdMap()
    keys = [ids.insert(token) for token in TOKENS]
    assert keys == [1, 2, 3, 4, 5, 6, 7]
    assert ids.waiting() == keys
    for key, token in reversed(list(zip(keys, TOKENS, strict=True))):
        assert ids.token(key) == token
        assert ids.take(key) == token
        with pytest.raises(IdError, match="answered already"):
            ids.take(key)
        with pytest.raises(IdError, match="answered already"):
            ids.token(key)
    assert len(ids) == 0
    for never in (0, 8):
        with pytest.raises(IdError, match="there never was"):
            ids.take(never)


@pytest.mark.promise(
    "100,000 requests are open at once",
    "each id comes back to its own caller verbatim, and once",
)
def test_a_hundred_thousand_in_flight():
    ids = IdMap()
    tokens = {ids.insert(b"%d" % n): b"%d" % n for n in range(100_000)}
    assert len(ids) == 100_000
    keys = list(tokens)
    random.Random(1).shuffle(keys)
    for key in keys:
        assert ids.take(key) == tokens[key]
    assert ids.waiting() == []


def test_messages_to_bytes():
    outbox = Outbox()
    outbox.reply(b'"x"', b'{"a":1}')
    outbox.error(b"-0", -32601, 'no "é"\n\x01')
    outbox.error(b"1", 5, "", b"[1]")
    outbox.request(b"2", "get\\info", b"{}")
    outbox.notification("log", b"[]")
    size = len(outbox)
    data = outbox.take()
    assert len(data) == size
    assert len(outbox) == 0
    assert outbox.take() == b""
    assert data.endswith(b"\n\n")
    assert [json.loads(line) for line in data.split(b"\n\n")[:-1]] == [
        {"jsonrpc": "2.0", "id": "x", "result": {"a": 1}},
        {"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": 'no "é"\n\x01'}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 5, "message": "", "data": [1]}},
        {"jsonrpc": "2.0", "id": 2, "method": "get\\info", "params": {}},
        {"jsonrpc": "2.0", "method": "log", "params": []},
    ]
    assert b'"id":-0,' in data
