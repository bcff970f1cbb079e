"""Finds a topic's `TopicSpec` by its name. Its module is imported when a plugin subscribes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from clnwire._wire import dialect

if TYPE_CHECKING:
    from clnwire.notifications._spec import TopicSpec

NATIVE: Final = frozenset(
    (
        *dialect.TOPICS,
        "balance_snapshot",
        "block_added",
        "custommsg",
        "deprecated_oneshot",
        "log",
        "onionmessage_forward_fail",
        "plugin_started",
        "plugin_stopped",
        "shutdown",
    )
)
"""The daemon's own topics, which plugins may not publish. Every other topic is a plugin's."""

TYPED: Final = NATIVE | {"pay_part_start", "pay_part_end"}
"""Topics that have a module with their name here. `cln-xpay` publishes the last two."""

FORMER_NAMES: Final = {
    "xpay_pay_part_start": "pay_part_start",
    "xpay_pay_part_end": "pay_part_end",
}
"""Other names → today's name, which is the module's."""


def topic_spec(topic: str) -> TopicSpec | None:
    """The topic's description, by its present or a former name; `None` if its event is a dict."""
    name = FORMER_NAMES.get(topic, topic)
    if name not in TYPED:
        return None
    spec: TopicSpec = import_module(f"clnwire.notifications.{name}").SPEC
    return spec
