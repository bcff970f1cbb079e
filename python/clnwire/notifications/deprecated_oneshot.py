"""`deprecated_oneshot`: whether the next request to this plugin may use deprecated features.

It replaces `allow-deprecated-apis` for that one request.
"""

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class DeprecatedOneshot(Event, frozen=True):
    """The permission for the next request."""

    deprecated_ok: bool
    """Whether the next request may use deprecated features."""


SPEC = TopicSpec("deprecated_oneshot", DeprecatedOneshot)
