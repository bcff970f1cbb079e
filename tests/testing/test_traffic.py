"""The record of messages: readable whatever they are, and never large."""

from __future__ import annotations

from clnwire.testing import Traffic


def line(message: bytes, *, is_ours: bool = True) -> str:
    traffic = Traffic()
    traffic.add("x.py", message, is_ours=is_ours)
    (shown,) = str(traffic).splitlines()
    seconds, _, rest = shown.strip().partition(" ")
    assert 0 <= float(seconds) < 60
    return rest


def test_lines() -> None:
    request = b'{"jsonrpc":"2.0","id":"cli:a#1","method":"hello","params":{"name": "x"}}'
    assert line(request) == '→ x.py  hello "cli:a#1"  {"name": "x"}'
    assert line(b'{"id":1,"result":[1]}', is_ours=False) == "← x.py  result 1  [1]"
    assert line(b'{"id":null,"error":{"code":-1}}') == '→ x.py  error null  {"code":-1}'
    assert line(b'{"method":"shutdown"}') == "→ x.py  shutdown"
    log = b'{"method":"log","params":{"level":"warn","message":"two\\nlines"}}'
    assert line(log) == "→ x.py  log warn  two\\nlines"
    assert line(b'{"method":"log","params":[7]}') == "→ x.py  log  [7]"


def test_what_is_no_message() -> None:
    assert line(b"{]") == "→ x.py  {]"
    assert line(b"\xff\x1b[31m") == "→ x.py  \ufffd\\x1b[31m", "nothing that moves a cursor"
    assert line(b"[1]") == "→ x.py  [1]"


def test_it_stays_small() -> None:
    traffic = Traffic()
    assert str(traffic) == "(no messages)"
    large = b'{"id":1,"result":"%s"}' % (b"x" * 10_000_000)
    for _ in range(3000):
        traffic.add("x.py", large, is_ours=True)
    assert len(traffic) == 3000
    assert sum(len(entry.data) for entry in traffic._entries) < 5_000_000
    first, *others = str(traffic).splitlines()
    assert first == "(2900 earlier messages are left out)"
    assert len(others) == 100
    assert all(len(each) < 400 and each.endswith("… (10000020 bytes)") for each in others)
