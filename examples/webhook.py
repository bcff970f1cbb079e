#!/usr/bin/env python3
"""Sends each paid invoice to a web server, in order, without delaying the node.

Each payment is a POST of its JSON to the address in the option `webhook-address`. Payments that
the server does not accept are kept in memory and sent again every `webhook-retry` seconds.
"""

import asyncio
import json
import re
from collections import deque
from typing import Any

from clnwire import Plugin, RpcError

SECONDS_TO_ANSWER = 10

plugin = Plugin()
address = plugin.option("webhook-address", "127.0.0.1:8080", description="Web server: host:port")
seconds = plugin.option("webhook-retry", 5, description="Seconds until the next attempt")
unsent: deque[bytes] = deque()
sending: asyncio.Lock


@plugin.on_init
def begin() -> None:
    # A test may run the plugin again, in another event loop, where an older lock would not work.
    global sending  # noqa: PLW0603 - one lock for each run
    sending = asyncio.Lock()
    unsent.clear()


def where() -> tuple[str, int]:
    """The host and port in the option. Raises `OSError` if it has none."""
    found = re.fullmatch(r"([^\s:/]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", address.value, re.ASCII)
    if found is None or not 0 < int(found[2]) < 65536 or not found[1].isascii():
        raise OSError(f"webhook-address: must be host:port, not {address.value!r}")
    return found[1], int(found[2])


async def post(body: bytes) -> None:
    """Posts the body. Raises `OSError` if the server is absent, refuses, or does not speak HTTP."""
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
    """Sends the unsent payments, oldest first.

    Raises `OSError` or `TimeoutError` at the first failure.
    """
    async with sending:
        while unsent:
            await asyncio.wait_for(post(unsent[0]), SECONDS_TO_ANSWER)
            unsent.popleft()


@plugin.subscribe("invoice_payment")
async def on_payment(event: dict[str, Any]) -> None:
    # `json.dumps` escapes a lone surrogate in a label, which UTF-8 cannot encode.
    unsent.append(json.dumps(event).encode())
    try:
        await send_all()
    except (OSError, asyncio.TimeoutError) as error:
        plugin.log.warn(f"webhook: {error}; {len(unsent)} unsent")


@plugin.every(seconds)
async def retry() -> None:
    try:
        await send_all()
    except (OSError, asyncio.TimeoutError) as error:
        plugin.log.debug(f"webhook: {error}")


@plugin.method("webhook-flush")
async def flush() -> dict[str, int]:
    """Sends the unsent payments now."""
    try:
        await send_all()
    except (OSError, asyncio.TimeoutError) as error:
        raise RpcError(-1, f"webhook-flush: {error}", {"unsent": len(unsent)}) from error
    return {"unsent": len(unsent)}


@plugin.method("webhook-unsent")
def count() -> int:
    """The number of unsent payments."""
    return len(unsent)


if __name__ == "__main__":
    plugin.run()
