#!/usr/bin/env python3
"""A plugin with something of everything, as an author's module: run as a file, and imported."""

from __future__ import annotations

import asyncio
import logging

from clnwire import Plugin, RpcError
from clnwire.hooks import CONTINUE, Continue, PeerConnected, PeerDisconnect
from clnwire.notifications import Connect

plugin = Plugin()
greeting = plugin.option("greeting", "World", description="Whom to greet")
news = plugin.topic("news")


@plugin.method("hello")
def hello(name: str | None = None) -> str:
    plugin.log(f"hello {name}", "debug")
    return f"Hello {name or greeting.value}"


@plugin.method("balance", thread=True)
def balance() -> int:
    logging.getLogger(__name__).warning("asking for funds")
    outputs = plugin.rpc.call("listfunds")["outputs"]
    return sum(output["amount_msat"] for output in outputs)


@plugin.method("pay-it", thread=True)
def pay_it(invoice: str) -> str:
    try:
        result = plugin.rpc.call("pay", {"bolt11": invoice}, timeout=0.2)
    except RpcError as error:
        raise RpcError(-1, f"could not pay: {error.message}") from error
    return str(result["status"])


@plugin.method("slow")
def slow() -> None:
    import time

    time.sleep(1)


@plugin.method("leave")
def leave() -> None:
    raise SystemExit(3)


@plugin.hook("peer_connected")
def on_peer(event: PeerConnected) -> Continue | PeerDisconnect:
    if event.peer.direction == "out":
        return PeerDisconnect(error_message="not today")
    return CONTINUE


@plugin.subscribe("connect")
def on_connect(event: Connect) -> None:
    news.publish({"peer": event.id})


@plugin.subscribe("pay_part_end")
def on_part(event: dict[str, object]) -> None:
    plugin.log(f"part {event['pay_part_end']['status']}")  # type: ignore[index]


@plugin.method("later")
async def later() -> str:
    await asyncio.sleep(0)
    return "now"


if __name__ == "__main__":
    plugin.run()
