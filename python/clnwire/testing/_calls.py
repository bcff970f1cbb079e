"""What plugins ask the daemon for, and what they are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, json

from clnwire.errors import RpcError
from clnwire.host.delivery import Delivery

if TYPE_CHECKING:
    from clnwire._core import Frame


class Call(Struct, frozen=True):
    """A command that somebody gave over the daemon's socket."""

    method: str
    params: Any
    """Decoded: a dict, or a list if they were given by position."""
    id: Any = None
    """The caller's, decoded. clnwire puts the id of the request it handles in front."""


async def _never(params: object) -> object:
    return await asyncio.get_running_loop().create_future()


NEVER: Final = _never
"""An answer that does not come: `host.answer("pay", NEVER)`."""


def answer_from(given: object) -> object:
    """What `Host.command` takes, from what `BlockingHost.answer` does."""
    return Delivery(given) if isinstance(given, RpcError) else given


def call_from(request: Frame) -> Call:
    """The call that a request is."""
    params, token = request.params or b"{}", request.id or b"null"
    return Call(request.method or "", json.decode(params), json.decode(token))
