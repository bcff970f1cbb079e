"""What the daemon says in each of the protocol's two dialects.

`"2019"` is the protocol's first document; `"current"` is Core Lightning v26.06.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct, json

from clnwire.hooks._catalogue import HOOKS
from clnwire.host.errors import HostError
from clnwire.host.names import TOPICS
from clnwire.host.tokens import request_token

Name: TypeAlias = Literal["current", "2019"]


class Dialect(Struct, frozen=True):
    """One dialect: its names, and the texts that differ."""

    name: Name
    hooks: frozenset[str]
    topics: frozenset[str]
    """The native ones."""
    option_types: tuple[str, ...]
    manifest_params: bytes | None
    """Of `getmanifest`; `None`: it has no such member."""

    @property
    def is_current(self) -> bool:
        """Whether the daemon is of today."""
        return self.name == "current"

    def token(self, caller: bytes | None, method: str, number: int) -> bytes:
        """The id of request `number`; in 2019 the number itself."""
        return request_token(caller, method, number) if self.is_current else b"%d" % number

    def notification_params(self, topic: str, payload: bytes) -> bytes:
        """A native notification's params: wrapped in the topic's name, in 2019 bare."""
        return b"{%s:%s}" % (json.encode(topic), payload) if self.is_current else payload


CURRENT: Final = Dialect(
    "current",
    HOOKS,
    TOPICS,
    ("string", "string-conceal", "int", "bool", "flag"),
    b'{"allow-deprecated-apis":false}',
)
OF_2019: Final = Dialect(
    "2019",
    frozenset(("db_write", "invoice_payment", "peer_connected")),
    frozenset(("connect", "disconnect")),
    ("string",),
    None,
)


def dialect_named(name: str) -> Dialect:
    """The dialect of that name. Raises `HostError`."""
    for dialect in (CURRENT, OF_2019):
        if dialect.name == name:
            return dialect
    raise HostError(f"there is no dialect {name!r}; there are 'current' and '2019'")
