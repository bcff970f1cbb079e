"""Topic names → what clnwire knows of them. Modules are imported when their topic is subscribed."""

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
"""The daemon's own topics, which only it may publish; any other is another plugin's."""

TYPED: Final = NATIVE | {"pay_part_start", "pay_part_end"}
"""Topics with a module of their name here; the last two are those of a plugin of the daemon's."""

_FORMER_NAMES: Final = {
    "xpay_pay_part_start": "pay_part_start",
    "xpay_pay_part_end": "pay_part_end",
}
"""Other names → today's, so that a module can be found by both."""


def topic_spec(topic: str) -> TopicSpec | None:
    """The topic of that name, today's or a former one; `None` if it is taken as a dict."""
    name = _FORMER_NAMES.get(topic, topic)
    if name not in TYPED:
        return None
    spec: TopicSpec = import_module(f"clnwire.notifications.{name}").SPEC
    return spec
