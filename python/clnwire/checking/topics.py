"""Notifications. They have no answer, so a check looks at the plugin's log and whether it exits.

All are sent at once. If something goes wrong, they are sent one by one to find the culprit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking import variants
from clnwire.checking.output import is_deadlock, killed_for_output, report_stray
from clnwire.host.rules.dialect import dialect_named
from clnwire.host.rules.samples import topic_sample

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.hooks import Ready
    from clnwire.checking.session import CheckSession

UNSENT: Final = frozenset(("shutdown",))
"""`lifecycle` sends this topic."""
PUBLISHED: Final = {"pay_part_start": "cln-xpay", "pay_part_end": "cln-xpay"}
"""The topics that a built-in plugin publishes, with the plugin's name."""


class TopicEvent(Struct, frozen=True):
    """A notification to send."""

    topic: str
    payload: Any
    rule: rules.Rule | None = None
    """The rule that a failure breaks; `None` for the usual form."""

    def send(self, session: CheckSession) -> None:
        """Sends it once for each subscription of the plugin."""
        session.host.notify(self.topic, self.payload, origin=PUBLISHED.get(self.topic))


def events_for(session: CheckSession) -> list[TopicEvent]:
    """The notifications for all of the plugin's subscriptions, the usual forms first."""
    subscribed = session.plugin.manifest.subscriptions
    native = dialect_named(session.dialect).topics
    wanted = native if "*" in subscribed else native & set(subscribed)
    others = {topic for topic in PUBLISHED if topic in subscribed and session.dialect == "current"}
    topics = sorted((wanted | others) - UNSENT)
    events = [TopicEvent(topic, topic_sample(topic, session.dialect)) for topic in topics]
    for rule, change in variants.FORMS[session.dialect]:
        for usual in events[: len(topics)]:
            payload = change(usual.payload, variants.struct_of_topic(usual.topic))
            if payload != usual.payload:
                events.append(TopicEvent(usual.topic, payload, rule))
    return events


async def check(found: Found, ready: Ready) -> None:
    """Sends all notifications to which the plugin has subscribed."""
    session = await ready()
    if session is None:
        return
    events = events_for(session)
    if not events or await _is_fine(session, events):
        return
    bad: set[str] = set()
    for event in events:
        if event.topic not in bad and not await _check_one(found, ready, event):
            bad.add(event.topic)


async def _is_fine(session: CheckSession, events: list[TopicEvent]) -> bool:
    mark, stray = len(session.host.logs), len(session.watch.stray)
    for event in events:
        event.send(session)
    await session.settle()
    is_running = session.plugin.death is None and not session.host.commands_waiting
    has_new_stray = stray != len(session.watch.stray)
    if is_running and session.failure_since(mark) is None and not has_new_stray:
        return True
    session.drop_stray()
    session.usable = is_running
    return False


async def _check_one(found: Found, ready: Ready, event: TopicEvent) -> bool:
    """Sends one event; returns whether the topic's other forms should be tried too."""
    session = await ready()
    if session is None:
        return False
    where, mark = f"topic {event.topic}", len(session.host.logs)
    event.send(session)
    await session.settle()
    report_stray(found, session, where)
    death, failure = session.plugin.death, session.failure_since(mark)
    sent = session.watch.last_in
    if death is not None:
        session.usable = False
        text = session.epitaph(death)
        if not killed_for_output(found, where, death):
            found.add(event.rule or rules.DIES_AT_TOPIC, where, text, sent)
        return event.rule is not None
    if is_deadlock(found, where, session.host.commands_waiting):
        session.usable = False
        return False
    if failure is not None:
        found.add(event.rule or rules.TOPIC_FAILS, where, failure, sent)
    return failure is None or event.rule is not None
