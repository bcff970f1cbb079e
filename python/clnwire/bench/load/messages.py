"""What the daemon sends, as today's daemon spells it."""

from __future__ import annotations

from itertools import count
from typing import Final

from msgspec import Struct

ID: Final = "\x01"
"""Stands for a request's id. No JSON has this character."""
NUMBER: Final = "\x02"
"""Stands for its number."""
CONTINUE: Final = '{"result":"continue"}'
"""What a hook that is passed is answered with."""
GETMANIFEST: Final = (
    '{"jsonrpc":"2.0","id":"cln:getmanifest#1","method":"getmanifest",'
    '"params":{"allow-deprecated-apis":false}}\n\n'
)
_FEATURES: Final = (
    '{"init":"800898880a8a59a1","node":"808898880a8a59a1","channel":"","invoice":"02000002024100"}'
)
_ENVELOPE: Final = 120
"""About how many bytes a `db_write` message has besides its statements."""
_SHORT, _LONG = 90, 250
"""Bytes of a statement, its quotes included; every third one is short, as a node's are."""


class Ask(Struct, frozen=True):
    """A request as it is written. `ID` stands for its id, `NUMBER` for its number."""

    id: str
    """With its quotes; `NUMBER` may be in it."""
    text: str
    """With the blank line that ends a message."""


def init(folder: str, options: str = "{}") -> str:
    """`folder` is the daemon's, with its socket; `options` is JSON, as far as users write it."""
    configuration = (
        f'{{"lightning-dir":"{folder}","rpc-file":"lightning-rpc","startup":true,'
        f'"network":"regtest","feature_set":{_FEATURES}}}'
    )
    return (
        '{"jsonrpc":"2.0","id":"cln:init#2","method":"init","params":'
        f'{{"options":{options},"configuration":{configuration}}}}}\n\n'
    )


def request(method: str, params: str) -> Ask:
    """A hook's or a method's; `params` is JSON. `NUMBER` may be in it."""
    text = f'{{"jsonrpc":"2.0","id":{ID},"method":"{method}","params":{params}}}\n\n'
    return Ask(f'"cln:{method}#{NUMBER}"', text)


def notification(topic: str, params: str) -> str:
    """`params` is JSON."""
    return f'{{"jsonrpc":"2.0","method":"{topic}","params":{params}}}\n\n'


def db_write(size: int, head: str, tail: str) -> Ask:
    """A set of writes of about so many bytes. A statement is `head`, letters, and `tail`."""
    return request("db_write", db_write_params(statements(size - _ENVELOPE, head, tail)))


def db_write_params(writes: str) -> str:
    """With the request's number as the database's version; `writes` is the inside of an array."""
    return f'{{"data_version":{NUMBER},"writes":[{writes}]}}'


def statements(length: int, head: str, tail: str) -> str:
    """At least one, and about so many bytes: strings of JSON, with commas between them."""
    found: list[str] = []
    left = length
    for number in count():
        wanted = min(left, _LONG if number % 3 else _SHORT)
        # Two quotes, and the comma before the next one.
        letters = max(0, wanted - len(head) - len(tail) - 2)
        found.append(f'"{head}{"a" * letters}{tail}"')
        left -= len(found[-1]) + (number > 0)
        if left <= 0:
            break
    return ",".join(found)
