"""`db_write`: the daemon waits for the answer before it commits to its database.

The handler must not call the daemon's RPC: a command that writes to the database would wait for
this answer. The plugin should have no other hook and no method. The hook is called before `init`.

Kind: parallel; the daemon calls all plugins that have the hook at once, and all must continue.
Safe answer: refuse. The daemon ends without committing, so that no replica falls behind.
Refusal: the same.
Any other answer: the daemon ends without committing.
"""

from typing import Any, TypeAlias

from clnwire._core import WritesDecoder, members
from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, Refuse, refuse
from clnwire.types import U32


class DbWrite(Event, frozen=True):
    """The transaction that the daemon is about to commit."""

    writes: list[str]
    """The SQL statements in order, with their values filled in. Nodes on PostgreSQL send no set."""
    data_version: U32 | None = None
    """Grows by one with each commit, and wraps at 2³². `None` from daemons before v0.8.1.

    The same number again: the last set was not committed; this set replaces it. A lower number: the
    database went back in time; refuse. A gap: writes were missed; refuse, or take a new snapshot.
    """


Answer: TypeAlias = Continue | Refuse


def _former(answer: Any) -> Any:
    """Changes `true`, the answer of the daemon of 2019, to `continue`."""
    return {"result": "continue"} if answer is True else answer


def _translated(answer: bytes, params: bytes) -> bytes:
    """Changes the answer to `true` for daemons without `data_version`; they end at any other."""
    return answer if any(name == "data_version" for name, _ in members(params)) else b"true"


SPEC = HookSpec(
    "db_write",
    event=DbWrite,
    wrap=WritesDecoder,
    answers=(Continue, Refuse),
    former=_former,
    translate=(b'{"data_version":', _translated),
    safe=refuse,
    refusal=refuse,
)
