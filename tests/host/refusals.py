"""What lightningd v26.06.6 does with texts that are not JSON, each sent alone to its RPC socket.

Written down by hand from what the daemon does; `tests/node` compares with a real one where there is
one.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Outcome: TypeAlias = Literal["refused", "no version", "answered", "waits"]
"""`refused`: its parser does not take it. `no version`: it does, and misses `"jsonrpc"`."""

CALL: Final = b'{"jsonrpc":"2.0","id":1,"method":"none","params":['

OUTCOMES: Final[dict[bytes, Outcome]] = {
    # Brackets.
    b"}": "refused",
    b"[1}": "refused",
    b'{"a":[1}]}': "refused",
    b'{"a":{"b":1}': "waits",
    b'{"a":1 ': "waits",
    # Members.
    b'{"a"}': "refused",
    b'{"a":}': "refused",
    b'{"a":,"b":1}': "refused",
    b'{"a" "b"}': "refused",
    b'{"a" 1}': "refused",
    b'{"a":{"b"}}': "refused",
    b'{"a":1 2}': "refused",
    b'{"a":"b":"c"}': "refused",
    b'{"a":"b" "c":"d"}': "refused",
    b'{"id":1 "method":"getinfo"}': "refused",
    b"{1:2}": "refused",
    b"{true}": "refused",
    b'{"a":{}:1}': "refused",
    b'{"a":1:2}': "no version",
    b'{"a"::1}': "no version",
    b'{"a":[]:1}': "no version",
    b'{"a":1,}': "no version",
    b"{,}": "no version",
    b"{:}": "no version",
    b'{"a":,:1}': "no version",
    b'{"a":{"b"},:1}': "no version",
    b'{"a":[{"b"}:1]}': "no version",
    b'{"a":[{"b":},:[1]]}': "no version",
    b'{"a":[{"b"},1]}': "refused",
    # Elements.
    b'{"a":[1 :2]}': "refused",
    b'{"a":[1,:2]}': "refused",
    b'{"a":[[]:1,"b":2]}': "refused",
    b'{"a":[{}:1]}': "refused",
    b'{"a":[{}:"b"]}': "refused",
    b'{"a":[{}:"b":1]}': "no version",
    b'{"a":[[]:1,2]}': "no version",
    b'{"a":[1 2]}': "no version",
    CALL + b",]}": "answered",
    # Words.
    b"hello }": "refused",
    b", hello }": "refused",
    b"{x}": "refused",
    b'{"a":x}': "refused",
    b'{"a":+1}': "refused",
    b'{"a":.5}': "refused",
    b'{"a":Infinity}': "refused",
    b"{'a':1}": "refused",
    b'{"a":1 /* } */': "refused",
    b"/* {} */": "refused",
    b'POST / HTTP/1.1\r\n\r\n{"id":1}': "refused",
    b'{"a":nul}': "no version",
    CALL + b"nan]}": "answered",
    CALL + b"-Infinity]}": "answered",
    CALL + b"0x10]}": "answered",
    # Characters.
    b'{"a":"\\x"}': "refused",
    b'{"a":"\\u00g0"}': "refused",
    b'{"a":"\\u1"}': "refused",
    b'{"a":"\xff"}': "refused",
    b'{"a":\xff}': "refused",
    b'{"a":1\x01}': "refused",
    b'{"a":tr\xc3\xa9}': "refused",
    b"{\xe2\x80\x9ca\xe2\x80\x9d:1}": "refused",
    b'{"a":[nan,"\xff"]}': "refused",
    b'{"a":"\x01"}': "no version",
    b'{"a":"x}': "waits",
    b'{"a":"\\': "waits",
}

SILENT: Final[dict[bytes, Outcome]] = {
    # It looks at nothing before a `}` has come: what can never be a message any more waits too.
    b"hello": "refused",
    b"GET / HTTP/1.1\r\n\r\n": "refused",
    b"]": "refused",
    b'{"a":1]': "refused",
    b'["\\x"]': "refused",
    b'{"a" "b"': "refused",
    # Its parser takes a zero byte for the end of what has come.
    b'{"a":\x00}': "refused",
    b'{"a":"\x00"}': "refused",
    b"\x00}": "refused",
}
"""Texts that the daemon waits at for ever, and what the host does: its caller learns why."""


def outcome(reply: bytes) -> Outcome:
    """What a reply is, or its absence up to the connection's end."""
    if not reply.strip():
        return "waits"
    if b"Unknown command 'none'" in reply:
        return "answered"
    return "no version" if b'does not contain \\"jsonrpc\\"' in reply else "refused"
