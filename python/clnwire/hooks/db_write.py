"""`db_write`: the daemon is about to commit to its database, and waits.

Nothing in the handler may make the daemon write to its database, so no RPC; and the plugin should
have no other hook and no method. The hook is called before `init`.

Kind: parallel; all plugins that have it are asked at the same time, and all must agree.
Safe answer: refuse. The daemon ends without committing, so that no replica falls behind.
Any other answer: the daemon ends without committing.
"""

from __future__ import annotations

from typing import TypeAlias

from clnwire._core import WritesDecoder
from clnwire._message import Event
from clnwire.hooks._safe import refuse
from clnwire.hooks._spec import Continue, HookSpec, Refuse
from clnwire.types import U32


class DbWrite(Event, frozen=True):
    """What is about to be committed."""

    writes: list[str]
    """The SQL statements with their values filled in, in their order. Empty on PostgreSQL."""
    data_version: U32 | None = None
    """Grows by one each time, and wraps at 2³². `None` from the daemon of 2019.

    The same number again: the last set was not committed, and this one replaces it. A lower one:
    the database went back in time, refuse. A gap: writes were missed, take a new snapshot or
    refuse.
    """


Answer: TypeAlias = Continue | Refuse


def _encode_2019(answer: Continue) -> bytes:
    """Anything but `true` made the daemon of 2019 end without committing."""
    return b"true"


SPEC = HookSpec(
    "db_write",
    event=DbWrite,
    quicker=WritesDecoder,
    answers=(Continue, Refuse),
    encode_2019=_encode_2019,
    safe=refuse,
)
