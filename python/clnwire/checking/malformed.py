"""Invalid JSON: lightningd forwards a caller's parameters as they are."""

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
"""A string without its quotes, as a caller may write it; lightningd accepts any word as a value."""


def is_reached(offered: HostManifest) -> bool:
    """Whether the plugin receives bytes as callers wrote them."""
    return bool(offered.methods) or "rpc_command" in offered.hooks


async def check(found: Found, session: CheckSession, methods: Iterable[str]) -> None:
    """Sends a request that is invalid JSON. The plugin must answer it and keep running.

    The request is a `check`, so no method is carried out.
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
