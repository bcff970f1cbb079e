"""Ends plugins: sends `shutdown` or closes stdin, waits, and kills those that do not exit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from clnwire.host.errors import HostError

if TYPE_CHECKING:
    from clnwire.host.database import Database
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.plugin import Plugin

EOF_SECONDS: Final = 5.0
"""Seconds between closing a plugin's stdin and killing it. lightningd closes the pipes and leaves
the process running; the host leaves no process behind."""


async def end_all(host: Parts, database: Database, seconds: float) -> None:
    """Ends all plugins as `end` does. As in the daemon, `db_write` commits continue meanwhile."""
    plugins = host.plugins.all()
    ending = [asyncio.ensure_future(end(plugin, seconds)) for plugin in plugins]
    # Let each task run to its first await: it has then sent `shutdown` or closed stdin.
    await asyncio.sleep(0)
    writers = [plugin for plugin in plugins if _writes(plugin)]
    if writers and host.dialect.is_current:
        others = [task for each, task in zip(plugins, ending, strict=True) if each not in writers]
        await _commit(host, writers, database)
        if others:
            # Commit again for the writes that the other plugins caused before they ended.
            await asyncio.wait(others)
            await _commit(host, writers, database)
    await asyncio.gather(*ending)


def _writes(plugin: Plugin) -> bool:
    return "db_write" in plugin.manifest.hooks and plugin.initialised and plugin.death is None


async def _commit(host: Parts, writers: Sequence[Plugin], database: Database) -> None:
    """Sends one more set to the writers. Records a remark for each writer that has left."""
    for plugin in writers:
        if plugin.death is not None or plugin.closed:
            message = "has missed commits made after its end: the daemon is stopping"
            host.remark(plugin.name, message, "missed")
    if all(plugin.death is not None or plugin.closed for plugin in writers):
        return
    try:
        await database.write_version()
    except HostError as error:
        # The plugin ended during the hook or refused the set: the daemon aborts.
        host.remark("", f"aborted while stopping: {error}", "aborted", level="broken")


async def end(plugin: Plugin, seconds: float) -> None:
    """Ends a plugin: sends `shutdown` if it subscribed to that, otherwise closes its stdin.

    If a subscriber still runs after `seconds`, its stdin is closed, too. A plugin that still runs
    `seconds` after that (for a subscriber at most `EOF_SECONDS`) is killed.
    """
    told = 0
    if "shutdown" in plugin.dialect.topics:
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
