"""The plugin's start, up to the answer to `init`, and its end: at EOF and at `shutdown`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire._wire.facts import COMMANDS
from clnwire.checking import catalogue as rules
from clnwire.checking import manifest as manifests
from clnwire.checking.output import is_deadlock, killed_for_output, report_stray
from clnwire.host.directory import FEATURES
from clnwire.host.errors import FatalAnswerError, ManifestError, PluginDiedError
from clnwire.host.plugins.process import ending
from clnwire.host.rules.dialect import dialect_named
from clnwire.host.rules.manifest import ReservedNames

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.checking.watch import Watch
    from clnwire.host.plugins.boot import Values
    from clnwire.host.plugins.plugin import Plugin


async def start(session: CheckSession, found: Found, values: Values | None = None) -> bool:
    """Starts the plugin; returns whether it runs, and reports the reason if it does not.

    Raises `HostError` for mistakes of the user: a missing file, or options that do not fit.
    """
    try:
        plugin = await session.start(values)
    except ManifestError as error:
        _refused(session, found, error)
    except FatalAnswerError as error:
        found.add(rules.FATAL_ANSWER, "hook db_write", error.reason, session.watch.last_out)
    except PluginDiedError as error:
        _died(session, found, error)
    except TimeoutError as error:
        _hangs_in_db_write(session, found, str(error))
    else:
        _started(session, found, plugin)
    return session.usable


def _started(session: CheckSession, found: Found, plugin: Plugin) -> None:
    if plugin.disabled is not None:
        found.add(rules.DISABLED, "start", f"it says: {plugin.disabled}")
    elif plugin.death is not None:
        _ended_unasked(session, found, plugin.death)
    elif session.watch.init_error is not None:
        found.add(rules.INIT_REFUSED, "init", "an error", session.watch.init_error)


def _hangs_in_db_write(session: CheckSession, found: Found, text: str) -> None:
    where = "hook db_write"
    has_wrong_id = report_stray(found, session, where)
    if not is_deadlock(found, where, session.waiting_commands) and not has_wrong_id:
        found.add(rules.HOOK_UNANSWERED, where, text, session.watch.last_in)


def _refused(session: CheckSession, found: Found, error: ManifestError) -> None:
    manifest = session.watch.manifest
    if manifest is None:
        found.add(rules.MANIFEST_REFUSED, "getmanifest", error.rule, session.watch.last_out)
        return
    taken = ReservedNames(methods=COMMANDS, features=FEATURES)
    dialect = dialect_named(session.dialect)
    errors = manifests.refusals(error.plugin, manifest, taken, dialect)
    manifests.report_refusals(found, errors, manifest)


def _died(session: CheckSession, found: Found, death: PluginDiedError) -> None:
    watch = session.watch
    is_first = watch.manifest is None
    where = _place(watch)
    has_wrong_id = report_stray(found, session, where)
    if killed_for_output(found, where, death) or has_wrong_id:
        return
    if death.kind == "ended":
        rule = rules.DIES_AT_HOOK if where.startswith("hook") else rules.DIES_AT_START
        found.add(rule, where, session.epitaph(death))
    elif is_first:
        found.add(rules.NO_MANIFEST, where, f"it {death.reason}", watch.last_in)
    elif not is_deadlock(found, where, session.waiting_commands):
        found.add(rules.NO_INIT, where, f"it {death.reason}", watch.last_in)


def _place(watch: Watch) -> str:
    """The request of the start that the plugin has not answered."""
    if watch.manifest is None:
        return "getmanifest"
    if '"init"' in watch.waiting():
        return "init"
    return "hook db_write" if '"db_write"' in watch.waiting() else "start"


def check_speed(found: Found, seconds: list[float], limit: float) -> None:
    """Reports a slow start. The quickest start counts: the first one also fills the disk cache."""
    quickest = min(seconds, default=0.0)
    if quickest > limit:
        message = f"{quickest:.1f} s until init is answered, more than {limit:g} s"
        found.add(rules.SLOW_START, "start", message)


async def end_by_eof(session: CheckSession, found: Found) -> None:
    """Closes the plugin's stdin and waits until the plugin exits."""
    await session.settle()
    if not _has_gone(session, found):
        session.plugin.close()
        await _check_end(session, found, "end of input", rules.STAYS_AT_EOF)


async def end_by_shutdown(session: CheckSession, found: Found) -> None:
    """Sends `shutdown` to the plugin, which must have subscribed to this topic."""
    if _has_gone(session, found):
        return
    plugin = session.plugin
    plugin.notify(plugin.notification("shutdown", b"{}"), "shutdown")
    if "db_write" in plugin.manifest.hooks:
        await _check_write_after_shutdown(session, found)
    else:
        await _check_end(session, found, "topic shutdown", rules.STAYS_AT_SHUTDOWN)


async def _check_write_after_shutdown(session: CheckSession, found: Found) -> None:
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


def _has_gone(session: CheckSession, found: Found) -> bool:
    """Reports a plugin that exited before it was told to; returns whether it did."""
    death = session.plugin.death
    session.usable = False
    if death is not None:
        _ended_unasked(session, found, death)
    return death is not None


def _ended_unasked(session: CheckSession, found: Found, death: PluginDiedError) -> None:
    """Reports a plugin that has ended, for any reason, while no request was open."""
    if not killed_for_output(found, "running", death):
        found.add(rules.ENDS_UNASKED, "running", session.epitaph(death))


async def _check_end(session: CheckSession, found: Found, where: str, stays: rules.Rule) -> None:
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
