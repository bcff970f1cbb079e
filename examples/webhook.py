#!/usr/bin/env python3
"""Tells a web server of each paid invoice, in order, without holding the node up.

Each payment is a POST of its JSON to the address of the option `webhook-address`. What the server
does not take is kept, and sent again every few seconds.
"""

import asyncio
from collections import deque
from typing import Any

import msgspec

from clnwire import Plugin, RpcError

SECONDS_TO_ANSWER = 10

plugin = Plugin()
address = plugin.option("webhook-address", "127.0.0.1:8080", description="Whom to tell: host:port")
seconds = plugin.option("webhook-retry", 5, description="Seconds until the next attempt")
unsent: deque[bytes] = deque()
sending = asyncio.Lock()


async def post(body: bytes) -> None:
    """Raises `OSError` if the server is not there, or refuses."""
    host, _, port = address.value.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = f"POST / HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = (await reader.readline()).split()
    finally:
        writer.close()
    if status[1:2] != [b"200"]:
        raise OSError(f"{address.value} answered {status}")


async def send_all() -> None:
    """Sends what waits, oldest first. Raises `OSError` or `TimeoutError` at the first failure."""
    async with sending:
        while unsent:
            await asyncio.wait_for(post(unsent[0]), SECONDS_TO_ANSWER)
            unsent.popleft()


@plugin.subscribe("invoice_payment")
async def on_payment(event: dict[str, Any]) -> None:
    unsent.append(msgspec.json.encode(event))
    try:
        await send_all()
    except (OSError, asyncio.TimeoutError) as error:
        plugin.log.warn(f"webhook: {error}; {len(unsent)} wait")


@plugin.background
async def retry() -> None:
    while True:
        await asyncio.sleep(seconds.value)
        try:
            await send_all()
        except (OSError, asyncio.TimeoutError) as error:
            plugin.log.debug(f"webhook: {error}")


@plugin.method("webhook-flush")
async def flush() -> dict[str, int]:
    """Sends now what the server has not taken yet."""
    try:
        await send_all()
    except (OSError, asyncio.TimeoutError) as error:
        raise RpcError(-1, f"webhook-flush: {error}", {"unsent": len(unsent)}) from error
    return {"unsent": len(unsent)}


@plugin.method("webhook-unsent")
def count() -> int:
    """How many payments the server does not know of."""
    return len(unsent)


if __name__ == "__main__":
    plugin.run()
