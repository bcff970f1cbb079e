"""The plugin's end: when its input ends, and when it is told to shut down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.checking import catalogue as rules
from clnwire.checking.output import killed_for_output, report_stray
from clnwire.host.errors import FatalAnswerError, PluginDiedError
from clnwire.host.plugins.process import ending

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession


async def end_by_eof(session: CheckSession, found: Found) -> None:
    """Closes the plugin's input, and waits until the plugin exits."""
    await session.settle()
    if _is_gone(session, found):
        return
    session.plugin.close()
    await _ended(session, found, "end of input", rules.STAYS_AT_EOF)


async def end_by_shutdown(session: CheckSession, found: Found) -> None:
    """Sends `shutdown` to the plugin, which must have subscribed to this topic."""
    if _is_gone(session, found):
        return
    plugin = session.plugin
    plugin.notify(plugin.notification("shutdown", b"{}"), "shutdown")
    if "db_write" in plugin.manifest.hooks:
        await _still_writes(session, found)
    else:
        await _ended(session, found, "topic shutdown", rules.STAYS_AT_SHUTDOWN)


async def _still_writes(session: CheckSession, found: Found) -> None:
    """Sends a `db_write`, as a daemon does that shuts down; the plugin must still answer it."""
    version = session.next_version()
    change = f"UPDATE vars SET intval={version} WHERE name='data_version'"
    try:
        await session.host.hook("db_write", {"data_version": version, "writes": [change]})
    except PluginDiedError as error:
        message = f"it {error.reason} instead of answering db_write{session.last_words()}"
        where = "topic shutdown"
        found.add(rules.LEAVES_WHILE_COMMITTING, where, message, session.watch.last_in)
    except (FatalAnswerError, TimeoutError):
        # The checks of the hook `db_write` have already reported this.
        return


def _is_gone(session: CheckSession, found: Found) -> bool:
    """Reports a plugin that has exited before it was told to; returns whether it has."""
    death = session.plugin.death
    session.usable = False
    if death is None:
        return False
    ended_unasked(session, found, death)
    return True


def ended_unasked(session: CheckSession, found: Found, death: PluginDiedError) -> None:
    """Reports a plugin that has exited, for any reason, while no request was open."""
    if not killed_for_output(found, "running", death):
        found.add(rules.ENDS_UNASKED, "running", f"it {death.reason}{session.last_words()}")


async def _ended(session: CheckSession, found: Found, where: str, stays: rules.Rule) -> None:
    seconds = session.limits.timeout
    try:
        code = await session.plugin.process.exited(seconds)
    except TimeoutError:
        found.add(stays, where, f"it still runs after {seconds:g} s")
        return
    report_stray(found, session, where)
    death = session.plugin.death
    if death is not None and killed_for_output(found, where, death):
        return
    if code != 0:
        found.add(rules.ENDS_BADLY, where, f"it {ending(code)}{session.last_words()}")
