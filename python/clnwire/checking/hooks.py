"""Hooks: sends each a plausible event, then other forms of that event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking import variants
from clnwire.checking.output import is_deadlock, killed_for_output, report_stray
from clnwire.host.errors import FatalAnswerError, PluginDiedError
from clnwire.host.rules.samples import hook_sample, sample_that_passes

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.checking.variants import Variant
    from clnwire.host.rules.manifest import HostHook

Ready: TypeAlias = "Callable[[], Awaitable[CheckSession | None]]"
"""Returns a session whose plugin runs; `None` if the plugin cannot be started any more."""


class AskedHook(Struct, frozen=True):
    """How the plugin answered an event."""

    problem: Literal["", "fatal", "ignored", "died", "silent", "failed"] = ""
    text: str = ""
    death: PluginDiedError | None = None
    waiting: Sequence[str] = ()
    """The daemon's commands that the plugin waits for."""
    seconds: float | None = None
    """The time until the answer, if it was acceptable."""


async def ask(session: CheckSession, hook: str, event: Any) -> AskedHook:
    """Sends an event and judges the answer. `session.usable` says whether the plugin still runs."""
    asked = await _ask_once(session, hook, event)
    if asked.problem and session.usable:
        # Late output must not be attributed to the next event.
        await session.settle()
    if asked.problem == "failed":
        # The logged error may belong to an earlier event, so ask again to confirm it.
        asked = await _ask_once(session, hook, event, settled=True)
    return asked


async def _ask_once(
    session: CheckSession, hook: str, event: Any, *, settled: bool = False
) -> AskedHook:
    mark, started = len(session.host.logs), perf_counter()
    try:
        await session.host.hook(hook, event)
        seconds = perf_counter() - started
    except FatalAnswerError as error:
        return AskedHook("fatal", error.reason)
    except PluginDiedError as error:
        session.usable = False
        return AskedHook("died", session.epitaph(error), error)
    except TimeoutError as error:
        session.usable = False
        return AskedHook("silent", str(error), waiting=session.host.commands_waiting)
    ignored = session.new_remarks("answer")
    if ignored:
        return AskedHook("ignored", ignored[0].message)
    if settled:
        await session.settle()
    failed = session.failure_since(mark)
    return AskedHook(seconds=seconds) if failed is None else AskedHook("failed", failed)


def event_for(session: CheckSession, hook: HostHook, change: Variant | None = None) -> Any:
    """A plausible event that passes the hook's filters, with the change applied if there is one."""
    event = sample_that_passes(hook, session.dialect)
    if hook.name == "db_write" and session.dialect != "2019":
        event["data_version"] = session.next_version()
    return event if change is None else change(event, variants.struct_of_hook(hook.name))


def report(found: Found, session: CheckSession, hook: str, asked: AskedHook) -> None:
    """Reports the problem that an ordinary event caused."""
    where = f"hook {hook}"
    has_wrong_id = report_stray(found, session, where)
    if asked.problem == "fatal":
        found.add(rules.FATAL_ANSWER, where, asked.text, session.watch.last_out)
    elif asked.problem == "ignored":
        found.add(rules.IGNORED_ANSWER, where, asked.text, session.watch.last_out)
    elif asked.problem == "failed":
        found.add(rules.HOOK_FAILS, where, asked.text)
    elif asked.death is not None:
        if not killed_for_output(found, where, asked.death):
            found.add(rules.DIES_AT_HOOK, where, asked.text, session.watch.last_in)
    elif asked.problem == "silent":
        deadlock = is_deadlock(found, where, asked.waiting)
        if not deadlock and not has_wrong_id:
            found.add(rules.HOOK_UNANSWERED, where, asked.text, session.watch.last_in)


async def check(found: Found, ready: Ready, hook: HostHook) -> bool:
    """Checks a hook with all forms of its event; returns whether the usual one is answered."""
    session = await ready()
    if session is None:
        return False
    usual = await ask(session, hook.name, event_for(session, hook))
    report(found, session, hook.name, usual)
    if usual.problem not in ("fatal", "died", "silent"):
        await _check_speed(found, session, hook, usual)
        await _check_others(found, ready, hook)
        await _check_forms(found, ready, hook, usual)
    return not usual.problem


async def _check_speed(
    found: Found, session: CheckSession, hook: HostHook, usual: AskedHook
) -> None:
    """Reports a slow answer if the next one is slow as well: the machine may have been busy."""
    limit = session.limits.slow_hook / (10 if hook.name == "db_write" else 1)
    if usual.seconds is None or usual.seconds <= limit:
        return
    again = await ask(session, hook.name, event_for(session, hook))
    if again.seconds is not None and again.seconds > limit:
        quickest = min(usual.seconds, again.seconds)
        message = f"answered after {quickest:.1f} s, more than {limit:g} s"
        found.add(rules.SLOW_HOOK, f"hook {hook.name}", message)


async def _check_others(found: Found, ready: Ready, hook: HostHook) -> None:
    """Checks the hook with the other ordinary events."""
    for change in variants.ORDINARY.get(hook.name, ()):
        session = await ready()
        if session is not None and session.dialect == "current":
            asked = await ask(session, hook.name, event_for(session, hook, change))
            report(found, session, hook.name, asked)


async def _check_forms(found: Found, ready: Ready, hook: HostHook, usual: AskedHook) -> None:
    """Checks other forms of the event. A problem that the usual event has does not count."""
    struct = variants.struct_of_hook(hook.name)
    for rule, change in variants.FORMS["current"]:
        session = await ready()
        if session is None or (rule, change) not in variants.FORMS[session.dialect]:
            continue
        event = hook_sample(hook.name, session.dialect)
        if change(event, struct) == event:
            continue
        asked = await ask(session, hook.name, event_for(session, hook, change))
        if asked.problem and asked.problem != usual.problem:
            found.add(rule, f"hook {hook.name}", asked.text, session.watch.last_in)
