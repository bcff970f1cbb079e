"""Builds the daemon's messages as the current lightningd writes them."""

from itertools import count
from typing import Final

from msgspec import Struct

ID: Final = "\x01"
"""A placeholder for a request's id. Valid JSON never contains this character."""
NUMBER: Final = "\x02"
"""A placeholder for the request's number."""
CONTINUE: Final = '{"result":"continue"}'
"""The result with which a plugin lets a hook's event pass."""
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
"""Bytes of a statement with its quotes. Every third one is short, as in a node's sets."""


class Ask(Struct, frozen=True):
    """A request's text, with `ID` in place of its id and `NUMBER` in place of its number."""

    id: str
    """The id with its quotes; it may contain `NUMBER`."""
    text: str
    """The message, with the blank line at its end."""


def init(folder: str, options: str = "{}") -> str:
    """The `init` request. `folder` is the daemon's; values in `options` may be invalid JSON."""
    configuration = (
        f'{{"lightning-dir":"{folder}","rpc-file":"lightning-rpc","startup":true,'
        f'"network":"regtest","feature_set":{_FEATURES}}}'
    )
    return (
        '{"jsonrpc":"2.0","id":"cln:init#2","method":"init","params":'
        f'{{"options":{options},"configuration":{configuration}}}}}\n\n'
    )


def request(method: str, params: str) -> Ask:
    """A request for a hook or method. `params` is JSON, and may contain `NUMBER`."""
    text = f'{{"jsonrpc":"2.0","id":{ID},"method":"{method}","params":{params}}}\n\n'
    return Ask(f'"cln:{method}#{NUMBER}"', text)


def notification(topic: str, params: str) -> str:
    """A notification; `params` is JSON."""
    return f'{{"jsonrpc":"2.0","method":"{topic}","params":{params}}}\n\n'


def db_write(size: int, head: str, tail: str) -> Ask:
    """A `db_write` of about `size` bytes. Each statement is `head`, letters, and `tail`."""
    return request("db_write", db_write_params(statements(size - _ENVELOPE, head, tail)))


def db_write_params(writes: str) -> str:
    """The params with the request's number as version; `writes` is text without brackets."""
    return f'{{"data_version":{NUMBER},"writes":[{writes}]}}'


def statements(length: int, head: str, tail: str) -> str:
    """One or more JSON strings with commas between them, of about `length` bytes in total."""
    found: list[str] = []
    left = length
    for number in count():
        wanted = min(left, _LONG if number % 3 else _SHORT)
        # 2 for the quotes.
        letters = max(0, wanted - len(head) - len(tail) - 2)
        found.append(f'"{head}{"a" * letters}{tail}"')
        left -= len(found[-1]) + (number > 0)
        if left <= 0:
            break
    return ",".join(found)
