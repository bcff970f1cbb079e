#!/usr/bin/env python3
"""Tells a web server of each paid invoice, in order, without holding the node up.

Each payment is a POST of its JSON to the address of the option `webhook-address`. What the server
does not take is kept, and sent again every few seconds.
"""

import asyncio
import json
import re
from collections import deque
from typing import Any

from clnwire import Plugin, RpcError

SECONDS_TO_ANSWER = 10

plugin = Plugin()
address = plugin.option("webhook-address", "127.0.0.1:8080", description="Whom to tell: host:port")
seconds = plugin.option("webhook-retry", 5, description="Seconds until the next attempt")
unsent: deque[bytes] = deque()
sending = asyncio.Lock()


def where() -> tuple[str, int]:
    """Host and port. Raises `OSError` if the option names none."""
    found = re.fullmatch(r"([^\s:/]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", address.value, re.ASCII)
    if found is None or not 0 < int(found[2]) < 65536 or not found[1].isascii():
        raise OSError(f"webhook-address: must be host:port, not {address.value!r}")
    return found[1], int(found[2])


async def post(body: bytes) -> None:
    """Raises `OSError` if the server is not there, refuses, or speaks no HTTP."""
    host, port = where()
    reader, writer = await asyncio.open_connection(host.strip("[]"), port)
    try:
        head = f"POST / HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = await reader.readline()
    except ValueError as error:
        raise OSError(f"{address.value} answered with a line that does not end") from error
    finally:
        writer.close()
    version, code = [*status.split(), b"", b""][:2]
    if not version.startswith(b"HTTP/") or not re.fullmatch(rb"2\d\d", code):
        raise OSError(f"{address.value} answered {status[:60]!r}")


async def send_all() -> None:
    """Sends what waits, oldest first. Raises `OSError` or `TimeoutError` at the first failure."""
    async with sending:
        while unsent:
            await asyncio.wait_for(post(unsent[0]), SECONDS_TO_ANSWER)
            unsent.popleft()


@plugin.subscribe("invoice_payment")
async def on_payment(event: dict[str, Any]) -> None:
    # A label may hold half a surrogate pair, which this escapes; it is no UTF-8.
    unsent.append(json.dumps(event).encode())
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
