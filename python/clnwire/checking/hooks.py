"""Hooks: sends each a plausible event, then other forms of that event."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking import variants
from clnwire.checking.calls import is_deadlock
from clnwire.checking.output import killed_for_output, report_stray
from clnwire.host.errors import FatalAnswerError, PluginDiedError
from clnwire.host.rules.filters import sample_that_passes
from clnwire.host.rules.samples import hook_sample

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clnwire.checking.finding import Found
    from clnwire.checking.session import CheckSession
    from clnwire.checking.variants import Variant
    from clnwire.host.rules.manifest import HostHook

FORMS: Final[dict[str, list[tuple[rules.Rule, Variant]]]] = {
    "current": [
        (rules.REJECTS_NEW_MEMBER, variants.with_new_members),
        (rules.REJECTS_NEW_WORD, variants.with_new_words),
        (rules.REJECTS_OLDER, variants.with_amounts_as_strings),
        (rules.NEEDS_OPTIONAL, variants.without_optional_members),
        (rules.REJECTS_ODD_TEXT, variants.with_odd_texts),
    ],
    "2020": [(rules.REJECTS_NEW_MEMBER, variants.with_new_members)],
    "2019": [(rules.REJECTS_NEW_MEMBER, variants.with_new_members)],
}
"""The other forms of an event, each with the rule that the plugin must accept it."""


Ready: TypeAlias = "Callable[[], Awaitable[CheckSession | None]]"
"""Gives a session whose plugin runs; `None` if it cannot be started any more."""


class AskedHook(Struct, frozen=True):
    """How the plugin answered an event."""

    problem: Literal["", "fatal", "ignored", "died", "silent", "failed"] = ""
    text: str = ""
    death: PluginDiedError | None = None
    waiting: Sequence[str] = ()
    """The daemon's commands that the plugin waits for."""
    seconds: float | None = None
    """Until the answer, if it was an acceptable one."""


async def ask(session: CheckSession, hook: str, event: Any) -> AskedHook:
    """Sends an event and judges the answer. `session.usable` says whether the plugin still runs."""
    asked = await _ask_once(session, hook, event)
    if asked.problem and session.usable:
        # Late output must not be attributed to the next event.
        await session.settle()
    if asked.problem == "failed":
        # The logged error may belong to an earlier event, so ask again to confirm it.
        asked = await _ask_once(session, hook, event, to_the_end=True)
    return asked


async def _ask_once(
    session: CheckSession, hook: str, event: Any, *, to_the_end: bool = False
) -> AskedHook:
    mark, started = len(session.host.logs), perf_counter()
    try:
        await session.host.hook(hook, event)
        seconds = perf_counter() - started
    except FatalAnswerError as error:
        return AskedHook("fatal", error.reason)
    except PluginDiedError as error:
        session.usable = False
        return AskedHook("died", f"it {error.reason}{session.last_words()}", error)
    except TimeoutError as error:
        session.usable = False
        return AskedHook("silent", str(error), waiting=session.host.commands_waiting)
    ignored = session.new_remarks("answer")
    if ignored:
        return AskedHook("ignored", ignored[0].message)
    if to_the_end:
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
    """Reports how an ordinary event went wrong."""
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


async def check(found: Found, ready: Ready, hook: HostHook) -> AskedHook:
    """Checks a hook with all events there are for it; returns the outcome of the most usual one."""
    session = await ready()
    if session is None:
        return AskedHook("died")
    usual = await ask(session, hook.name, event_for(session, hook))
    report(found, session, hook.name, usual)
    if usual.problem not in ("fatal", "died", "silent"):
        await _check_speed(found, session, hook, usual)
        await _check_others(found, ready, hook)
        await _check_forms(found, ready, hook, usual)
    return usual


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
    for rule, change in FORMS["current"]:
        session = await ready()
        if session is None or not _applies(session, hook.name, rule, change):
            continue
        asked = await ask(session, hook.name, event_for(session, hook, change))
        if asked.problem and asked.problem != usual.problem:
            found.add(rule, f"hook {hook.name}", asked.text, session.watch.last_in)


def _applies(session: CheckSession, hook: str, rule: rules.Rule, change: Variant) -> bool:
    """Whether the dialect has this form, and the form differs from the usual event."""
    if rule not in [each for each, _ in FORMS[session.dialect]]:
        return False
    event = hook_sample(hook, session.dialect)
    return bool(change(event, variants.struct_of_hook(hook)) != event)
