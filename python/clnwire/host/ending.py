"""How plugins are ended: told or left alone, waited for, and killed if they stay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire.host.dialect import Dialect
    from clnwire.host.plugin import Plugin


async def end_all(plugins: Sequence[Plugin], dialect: Dialect, seconds: float) -> None:
    """Ends all plugins at the same time; who has not ended after so many seconds is killed."""
    await asyncio.gather(*[end(plugin, dialect, seconds) for plugin in plugins])


async def end(plugin: Plugin, dialect: Dialect, seconds: float) -> None:
    """A subscriber to `shutdown` is told, any other plugin sees the end of its input."""
    told = 0
    if "shutdown" in dialect.topics:
        told = plugin.notify(plugin.notification("shutdown", b"{}"), "shutdown")
    if not told:
        plugin.close()
    try:
        await plugin.process.exited(seconds)
    except TimeoutError:
        plugin.kill(f"did not end within {seconds:g} s", "stayed")
        await plugin.process.exited()
