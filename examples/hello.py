#!/usr/bin/env python3
"""A first plugin: an option, two methods, two subscriptions."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clnwire import Plugin, RpcError
from clnwire.notifications import Connect, Disconnect

INVALID_PARAMS = -32602

plugin = Plugin()
greeting = plugin.option("greeting", "World", description="What name should I call you?")


@plugin.method("hello")
def hello(name: str | None = None) -> str:
    """Returns a personalized greeting for {greeting} (set via options)."""
    return f"Hello {name or greeting.value}"


@plugin.method("gettime")
def gettime(timezone: str = "UTC") -> str:
    """Returns the current time in {timezone}.

    The time zone is a name of the IANA database, such as Europe/Zurich; UTC without one.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise RpcError(INVALID_PARAMS, f"gettime: there is no time zone '{timezone}'") from None
    return datetime.now(zone).isoformat(timespec="seconds")


@plugin.subscribe("connect")
def on_connect(event: Connect) -> None:
    plugin.log(f"{event.id} is connected from {event.address.address or event.address.socket}")


@plugin.subscribe("disconnect")
def on_disconnect(event: Disconnect) -> None:
    plugin.log(f"{event.id} is gone")


if __name__ == "__main__":
    plugin.run()
