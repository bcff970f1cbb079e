"""Custom notifications: what one plugin tells others. `plugin.topic` publishes them.

A subscriber gets the payload, and from its `Notification` the topic and the origin. This is the
message as a whole, for whoever reads captures or plays the daemon.
"""

from __future__ import annotations

from typing import Any

from clnwire._wire.structs import Event


class CustomNotification(Event, frozen=True):
    """A custom notification as the daemon passes it on.

    Older daemons wrapped the origin and the payload in `params`; subscribers get the same.
    """

    method: str
    """The topic, which its publisher has announced in its manifest."""
    params: Any
    """The payload: any JSON."""
    origin: str | None = None
    """The plugin that published it: its file's name. `None` as it is sent by the plugin itself."""
    jsonrpc: str = "2.0"
    """The version."""
