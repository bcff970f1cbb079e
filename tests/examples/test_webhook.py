"""The web hook with a real server: in order, and kept while the server is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Host
from clnwire.notifications import InvoicePaymentEvent
from clnwire.testing import BlockingHost, RunPlugin, sample
from tests.examples.conftest import EXAMPLES


class Server:
    """Takes what is posted; `hold` keeps the answers back."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.reply = b"HTTP/1.0 200 OK\r\n\r\n"
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
        writer.write(self.reply)
        await writer.drain()
        writer.close()


Talk = Callable[[Host, Server], Coroutine[Any, Any, None]]


@pytest.fixture
def with_server(run_plugin: RunPlugin, clnwire_host: BlockingHost) -> Callable[[Talk], None]:
    """Runs a talk of the daemon with the plugin, whose server is in the same event loop."""

    async def run(server: Server, talk: Talk) -> None:
        await asyncio.wait_for(talk(clnwire_host.host, server), 20)
        await server.close()

    def start(talk: Talk) -> None:
        server = Server()
        clnwire_host.run(server.open())
        options = {"webhook-address": f"127.0.0.1:{server.port}", "webhook-retry": 3600}
        run_plugin(EXAMPLES / "webhook.py", options)
        clnwire_host.run(run(server, talk))

    return start


def pay(host: Host, label: str) -> None:
    host.notify("invoice_payment", sample(InvoicePaymentEvent, label=label))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_payments_arrive_in_order_and_hold_nobody_up(with_server):
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


def test_what_could_not_be_sent_is_kept(with_server):
    async def talk(host: Host, server: Server) -> None:
        await server.close()
        pay(host, "early")
        await host.wait_for_log("1 unsent")
        with pytest.raises(RpcError, match="webhook-flush") as refused:
            await host.call("webhook-flush")
        assert refused.value.data == {"unsent": 1}
        await server.open(server.port)
        pay(host, "late")
        await until(lambda: len(server.got) == 2)
        assert server.got == ["early", "late"]
        assert await host.call("webhook-flush") == {"unsent": 0}

    with_server(talk)


def test_the_object_runs_in_one_test_after_another():
    spec = spec_from_file_location("webhook", EXAMPLES / "webhook.py")
    assert spec is not None
    assert spec.loader is not None
    webhook = module_from_spec(spec)
    spec.loader.exec_module(webhook)

    async def talk(host: Host, server: Server) -> None:
        server.answer.clear()
        pay(host, "first")
        await server.arrived.wait()
        flush = asyncio.ensure_future(host.call("webhook-flush"))
        # Answered after the flush has begun to wait for the lock.
        assert await host.call("webhook-unsent") == 1
        server.answer.set()
        assert await flush == {"unsent": 0}
        await server.close()
        pay(host, "left over")
        await host.wait_for_log("1 unsent")

    for _ in range(2):
        with BlockingHost() as host:
            server = Server()
            host.run(server.open())
            host.start(webhook.plugin, {"webhook-address": f"127.0.0.1:{server.port}"})
            host.run(asyncio.wait_for(talk(host.host, server), 20))
            assert server.got == ["first"]


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_what_the_server_takes_is_not_sent_again(with_server, code):
    async def talk(host: Host, server: Server) -> None:
        server.reply = f"HTTP/1.1 {code} \r\n\r\n".encode()
        pay(host, "once")
        await until(lambda: len(server.got) == 1)
        assert await host.call("webhook-flush") == {"unsent": 0}
        assert server.got == ["once"]

    with_server(talk)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 301 Moved\r\n\r\n",
        b"HTTP/1.0 500 No\r\n\r\n",
        b"HTTP/1.0 2000\r\n",
        b"HTTP/1.0 " + b"x" * 200_000 + b"\r\n",
        b"200 200 OK\r\n",
        b"\xff\r\n",
        b"",
    ],
    ids=["moved", "broken", "four digits", "long", "not HTTP", "no text", "nothing"],
)
def test_what_the_server_does_not_take_is_kept(with_server, reply):
    async def talk(host: Host, server: Server) -> None:
        server.reply = reply
        pay(host, "kept")
        await host.wait_for_log("1 unsent")
        with pytest.raises(RpcError, match="webhook-flush"):
            await host.call("webhook-flush")
        server.reply = b"HTTP/1.0 200 OK\r\n\r\n"
        assert await host.call("webhook-flush") == {"unsent": 0}

    with_server(talk)


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "host:", "host:http", ":80", "h:99999", "h:0", "h:8\u0668", "a b:1"],
)
def test_an_address_that_is_none_is_named(run_plugin: RunPlugin, clnwire_host, address):
    options = {"webhook-address": address, "webhook-retry": 3600}
    plugin = run_plugin(EXAMPLES / "webhook.py", options)
    plugin.notify("invoice_payment", sample(InvoicePaymentEvent, label="kept"))
    clnwire_host.run(clnwire_host.host.wait_for_log("1 unsent"))
    with pytest.raises(RpcError, match="webhook-address: must be host:port"):
        plugin.call("webhook-flush")
    assert plugin.call("webhook-unsent") == 1
