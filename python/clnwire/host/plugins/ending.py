"""How plugins are ended: told or left alone, waited for, and killed if they stay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from clnwire.host.errors import HostError
from clnwire.host.journal import LogEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire.host.database import Database
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.dialect import HostDialect

EOF_SECONDS: Final = 5.0
"""Between the end of a plugin's input and its kill. lightningd closes the pipes of a plugin that
stays and forgets it; the host leaves no process behind."""


async def end_all(
    plugins: Sequence[Plugin],
    dialect: HostDialect,
    seconds: float,
    database: Database,
    remark: Callable[[LogEntry], None],
) -> None:
    """Ends all plugins at the same time, and goes on committing meanwhile, as the daemon does.

    A plugin that has not ended after `seconds` sees the end of its input, and is killed
    if it stays.
    """
    ending = [asyncio.ensure_future(end(plugin, dialect, seconds)) for plugin in plugins]
    # Each has been told, or has had its input closed, when its task first waits.
    await asyncio.sleep(0)
    writers = [plugin for plugin in plugins if _writes(plugin)]
    if writers and dialect.is_current:
        others = [task for each, task in zip(plugins, ending, strict=True) if each not in writers]
        await _commit(writers, database, remark)
        if others:
            # What the last of them has caused.
            await asyncio.wait(others)
            await _commit(writers, database, remark)
    await asyncio.gather(*ending)


def _writes(plugin: Plugin) -> bool:
    return "db_write" in plugin.manifest.hooks and plugin.initialised and plugin.death is None


async def _commit(
    writers: Sequence[Plugin], database: Database, remark: Callable[[LogEntry], None]
) -> None:
    """One set more for those that see it; the others are remarked upon."""
    for plugin in writers:
        if plugin.death is not None or plugin.closed:
            message = "has missed what is committed after it left: the daemon is stopping"
            remark(LogEntry(plugin.name, "unusual", message, "missed"))
    if all(plugin.death is not None or plugin.closed for plugin in writers):
        return
    try:
        await database.write_version()
    except HostError as error:
        # The plugin has left in the hook, or has refused: the daemon aborts.
        remark(LogEntry("", "broken", f"aborted while stopping: {error}", "aborted"))


async def end(plugin: Plugin, dialect: HostDialect, seconds: float) -> None:
    """A subscriber to `shutdown` is told, any other plugin sees the end of its input."""
    told = 0
    if "shutdown" in dialect.topics:
        told = plugin.notify(plugin.notification("shutdown", b"{}"), "shutdown")
    if not told:
        plugin.close()
    elif not await _ends(plugin, seconds):
        plugin.close()
        seconds = min(seconds, EOF_SECONDS)
    if not await _ends(plugin, seconds):
        plugin.kill(f"did not end within {seconds:g} s", "stayed")
        await plugin.process.exited()


async def _ends(plugin: Plugin, seconds: float) -> bool:
    try:
        await plugin.process.exited(seconds)
    except TimeoutError:
        return False
    return True
