"""The plugins' calls of the daemon, and their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, json

from clnwire.errors import RpcError
from clnwire.host.delivery import Delivery

if TYPE_CHECKING:
    from clnwire._core import Frame


class Call(Struct, frozen=True):
    """A call over the daemon's socket."""

    method: str
    params: Any
    """Decoded: a dict, or a list if they were given by position."""
    id: Any = None
    """The caller's, decoded. clnwire puts the id of the request it handles in front."""


async def _never(params: object) -> object:
    return await asyncio.get_running_loop().create_future()


NEVER: Final = _never
"""Leaves a call unanswered: `host.answer("pay", NEVER)`."""


def answer_from(given: object) -> object:
    """Converts the `result` of `BlockingHost.answer` to an answer for `Host.command`."""
    return Delivery(given) if isinstance(given, RpcError) else given


def call_from(request: Frame) -> Call:
    """Decodes a request as a `Call`."""
    params, token = request.params or b"{}", request.id or b"null"
    return Call(request.method or "", json.decode(params), json.decode(token))
