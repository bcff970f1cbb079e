"""The web hook with a real server: in order, and kept while the server is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Host
from clnwire.host.samples import topic_sample
from tests.examples.conftest import EXAMPLES


class Server:
    """Takes what is posted; `hold` keeps the answers back."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answer = asyncio.Event()
        self.answer.set()
        self.arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        length = next(int(line.split(":")[1]) for line in head if line.startswith("Content-Length"))
        body = json.loads(await reader.readexactly(length))
        self.arrived.set()
        await self.answer.wait()
        self.got.append(body["label"])
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        await writer.drain()
        writer.close()


def with_server(talk: Callable[[Host, Server], Awaitable[None]]) -> None:
    async def run() -> None:
        server = Server()
        await server.open()
        async with Host() as host:
            options = {"webhook-address": f"127.0.0.1:{server.port}", "webhook-retry": 3600}
            await host.start(EXAMPLES / "webhook.py", options)
            await asyncio.wait_for(talk(host, server), 20)
        await server.close()

    asyncio.run(run())


def pay(host: Host, label: str) -> None:
    payload = topic_sample("invoice_payment")
    host.notify("invoice_payment", {**payload, "label": label})


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_payments_arrive_in_order_and_hold_nobody_up():
    async def talk(host: Host, server: Server) -> None:
        server.answer.clear()
        for n in range(10):
            pay(host, str(n))
        await server.arrived.wait()
        assert await host.call("webhook-unsent") == 1, "the others wait for their turn"
        server.answer.set()
        await until(lambda: len(server.got) == 10)
        assert server.got == [str(n) for n in range(10)]

    with_server(talk)


def test_what_could_not_be_sent_is_kept():
    async def talk(host: Host, server: Server) -> None:
        await server.close()
        pay(host, "early")
        await host.wait_for_log("1 wait")
        with pytest.raises(RpcError, match="webhook-flush") as refused:
            await host.call("webhook-flush")
        assert refused.value.data == {"unsent": 1}
        await server.open(server.port)
        pay(host, "late")
        await until(lambda: len(server.got) == 2)
        assert server.got == ["early", "late"]
        assert await host.call("webhook-flush") == {"unsent": 0}

    with_server(talk)
