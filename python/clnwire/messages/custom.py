"""`custom`: a notification from one plugin to others. `plugin.topic` publishes it.

A subscriber gets the payload; its `Notification` has the topic and the origin. This Struct is the
whole message, for programs that read captures or act as the daemon.
"""

from typing import Any

from clnwire._wire.structs import Event


class CustomNotification(Event, frozen=True):
    """A custom notification as the daemon forwards it. Older daemons wrap the payload and its
    origin in `params`; subscribers get the same."""

    method: str
    """The topic, which the publisher's manifest declares."""
    params: Any
    """The payload: any JSON."""
    origin: str | None = None
    """The publisher: the name of its file. `None` in its own message; the daemon adds it."""
    jsonrpc: str = "2.0"
    """The JSON-RPC version."""
