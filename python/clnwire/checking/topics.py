"""Notifications. They have no answer, so a check looks at the plugin's log and whether it exits.

All are sent at once. If something goes wrong, they are sent one by one to find the culprit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire.checking import catalogue as rules
from clnwire.checking import variants
from clnwire.checking.calls import is_deadlock
from clnwire.checking.hooks import FORMS
from clnwire.checking.output import killed_for_output, report_stray
from clnwire.checking.variants import Variant
from clnwire.host.rules.dialect import dialect_named
from clnwire.host.rules.samples import topic_sample

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.checking.hooks import Ready
    from clnwire.checking.session import CheckSession

UNSENT: Final = frozenset(("shutdown",))
"""`ending` sends this one."""
PUBLISHED: Final = {"pay_part_start": "cln-xpay", "pay_part_end": "cln-xpay"}
"""Topics that a built-in plugin publishes, each with that plugin."""


class TopicEvent(Struct, frozen=True):
    """A topic in one of its forms."""

    topic: str
    rule: rules.Rule | None = None
    """The rule that a failure breaks; `None` for the usual form."""
    change: Variant | None = None

    def send(self, session: CheckSession) -> None:
        """Sends it as often as the plugin has subscribed to it."""
        payload = topic_sample(self.topic, session.dialect)
        if self.change is not None:
            payload = self.change(payload, variants.struct_of_topic(self.topic))
        session.host.notify(self.topic, payload, origin=PUBLISHED.get(self.topic))


def events_for(session: CheckSession) -> list[TopicEvent]:
    """All that the plugin has subscribed to, the usual forms first."""
    subscribed = session.manifest.subscriptions
    native = dialect_named(session.dialect).topics
    wanted = native if "*" in subscribed else native & set(subscribed)
    others = {topic for topic in PUBLISHED if topic in subscribed and session.dialect == "current"}
    topics = sorted((wanted | others) - UNSENT)
    events = [TopicEvent(topic) for topic in topics]
    for rule, change in FORMS[session.dialect]:
        events += [
            TopicEvent(topic, rule, change) for topic in topics if _differs(session, topic, change)
        ]
    return events


def _differs(session: CheckSession, topic: str, change: Variant) -> bool:
    payload = topic_sample(topic, session.dialect)
    return bool(change(payload, variants.struct_of_topic(topic)) != payload)


async def check(found: Found, ready: Ready) -> None:
    """Sends all that the plugin has subscribed to."""
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
    is_fine = session.plugin.death is None and session.failure_since(mark) is None
    is_fine = is_fine and stray == len(session.watch.stray)
    is_stuck = bool(session.host.commands_waiting)
    if not is_fine or is_stuck:
        session.drop_stray()
        session.usable = session.plugin.death is None and not is_stuck
    return is_fine and not is_stuck


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
        text = f"it {death.reason}{session.last_words()}"
        if not killed_for_output(found, where, death):
            found.add(event.rule or rules.DIES_AT_TOPIC, where, text, sent)
        return event.rule is not None
    if is_deadlock(found, where, session.host.commands_waiting):
        session.usable = False
        return False
    if failure is not None:
        found.add(event.rule or rules.TOPIC_FAILS, where, failure, sent)
    return failure is None or event.rule is not None
