"""`db_write`: the daemon is about to commit to its database, and waits.

Nothing in the handler may make the daemon write to its database, so no RPC; and the plugin should
have no other hook and no method. The hook is called before `init`.

Kind: parallel; all plugins that have it are asked at the same time, and all must agree.
Safe answer: refuse. The daemon ends without committing, so that no replica falls behind.
Refusal: the same.
Any other answer: the daemon ends without committing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from clnwire._core import WritesDecoder, members
from clnwire._wire.structs import Event
from clnwire.hooks._spec import Continue, HookSpec, Refuse, refuse
from clnwire.types import U32


class DbWrite(Event, frozen=True):
    """What is about to be committed."""

    writes: list[str]
    """The SQL statements with their values filled in, in their order. Empty on PostgreSQL."""
    data_version: U32 | None = None
    """Grows by one each time, and wraps at 2³². `None` from daemons before v0.8.1.

    The same number again: the last set was not committed, and this one replaces it. A lower one:
    the database went back in time, refuse. A gap: writes were missed, take a new snapshot or
    refuse.
    """


Answer: TypeAlias = Continue | Refuse


def _former(answer: Any) -> Any:
    """In the protocol's first document `true` was the answer."""
    return {"result": "continue"} if answer is True else answer


def _translated(answer: bytes, params: bytes) -> bytes:
    """Daemons whose events have no `data_version` end at any answer but `true`."""
    return answer if any(name == "data_version" for name, _ in members(params)) else b"true"


SPEC = HookSpec(
    "db_write",
    event=DbWrite,
    quicker=WritesDecoder,
    answers=(Continue, Refuse),
    former=_former,
    translate=(b'{"data_version":', _translated),
    safe=refuse,
    refusal=refuse,
)
