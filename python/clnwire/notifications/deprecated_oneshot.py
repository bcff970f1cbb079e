"""`deprecated_oneshot`: the next request's caller has other rules on what is deprecated.

It holds for that one request.
"""

from __future__ import annotations

from clnwire._wire.structs import Event
from clnwire.notifications._spec import TopicSpec


class DeprecatedOneshot(Event, frozen=True):
    """What holds for the next request."""

    deprecated_ok: bool
    """Whether it may use what is deprecated."""


SPEC = TopicSpec("deprecated_oneshot", DeprecatedOneshot)
