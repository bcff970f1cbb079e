"""Bytes that are no JSON, which lightningd forwards as a caller wrote them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from clnwire.checking import catalogue as rules
from clnwire.host.errors import PluginDiedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.host.rules.manifest import HostManifest

ADDRESS: Final = b"203.0.113.7"
"""What a caller may forget to put into quotes; lightningd takes any word for a value."""


def is_reached(offered: HostManifest) -> bool:
    """Whether callers' own bytes get to the plugin."""
    return bool(offered.methods) or "rpc_command" in offered.hooks


async def check(found: Found, session: CheckSession, methods: Iterable[str]) -> None:
    """Sends a request that is no JSON; it must be answered, and the plugin live on.

    It asks whether a call would be accepted, so that nothing is carried out.
    """
    method = next(iter(methods), "getinfo")
    params = b'{"command_to_check":"%b","address":%b}' % (method.encode(), ADDRESS)
    try:
        asking = session.plugin.request("check", params)
        await asyncio.wait_for(asking, session.limits.timeout)
    except PluginDiedError as error:
        text = f"it {error.reason}{session.last_words()}"
        found.add(rules.DIES_OF_MALFORMED, "messages", text, session.watch.last_in)
    except asyncio.TimeoutError:
        text = "it does not answer, and the caller waits for ever"
        found.add(rules.DIES_OF_MALFORMED, "messages", text, session.watch.last_in)
    session.usable = False
