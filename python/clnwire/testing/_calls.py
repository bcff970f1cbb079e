"""What a test answers when a plugin calls the daemon."""

from __future__ import annotations

import asyncio
from typing import Final

from clnwire.errors import RpcError
from clnwire.host.delivery import Delivery
from clnwire.host.journal import Call as Call


async def _never(params: object) -> object:
    return await asyncio.get_running_loop().create_future()


NEVER: Final = _never
"""Leaves a call unanswered: `host.answer("pay", NEVER)`."""


def answer_from(given: object) -> object:
    """Converts the `result` of `BlockingHost.answer` to an answer for `Host.command`."""
    return Delivery(given) if isinstance(given, RpcError) else given
