"""Replies that come late, in drops, cut off or large; and commands that tell their caller more."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from clnwire import RpcError, UsageError
from clnwire.host import Caller, Delivery, Host
from tests.host.socket_caller import calling


async def opened(host: Host) -> None:
    """The socket is there once a set of plugins, here of none, has started."""
    await host.start_all([])


async def all_of(host: Host) -> tuple[bytes, list[int]]:
    """What a caller of `x` receives until the end of the connection, and in what pieces."""
    reader, writer = await asyncio.open_unix_connection(host.rpc_path)
    writer.write(b'{"jsonrpc":"2.0","id":1,"method":"x","params":[]}')
    writer.write_eof()
    text, pieces = b"", []
    while piece := await asyncio.wait_for(reader.read(1 << 20), 10):
        text += piece
        pieces.append(len(piece))
    writer.close()
    return text, pieces


def test_late():
    async def main():
        async with Host() as host:
            host.command("x")(Delivery([1], delay=0.2))
            await opened(host)
            started = time.monotonic()
            assert await host.call("x") == [1]
            async with calling(host) as caller:
                assert (await caller.ask("x"))["result"] == [1]
            assert time.monotonic() - started >= 0.4

    asyncio.run(main())


def test_in_drops():
    async def main():
        async with Host() as host:
            host.command("x")(Delivery({"a": 1}, chunk_bytes=5, pause=0.02))
            await opened(host)
            text, pieces = await all_of(host)
            assert json.loads(text)["result"] == {"a": 1}
            assert len(pieces) > 3
            assert max(pieces) <= 10, "two drops may come together"

    asyncio.run(main())


@pytest.mark.parametrize("sent", [0, 1, 20])
def test_cut_off(sent):
    async def main():
        async with Host() as host:
            host.command("x")(Delivery({"a": 1}, hang_up_after=sent))
            await opened(host)
            text, _ = await all_of(host)
            assert len(text) == sent
            assert await host.call("x") == {"a": 1}, "only a caller on the socket is cut off"

    asyncio.run(main())


def test_an_error_late_and_with_data():
    async def main():
        async with Host() as host:
            host.command("x")(Delivery(RpcError(205, "no", {"a": [1]}), delay=0.01, chunk_bytes=3))
            await opened(host)
            async with calling(host) as caller:
                error = (await caller.ask("x"))["error"]
            assert error == {"code": 205, "message": "no", "data": {"a": [1]}}

    asyncio.run(main())


def test_computed():
    async def main():
        async with Host() as host:

            @host.command("x")
            async def answer(params):
                await asyncio.sleep(0)
                return Delivery(params, chunk_bytes=params["size"])

            await opened(host)
            async with calling(host) as caller:
                assert (await caller.ask("x", {"size": 1}))["result"] == {"size": 1}

    asyncio.run(main())


def test_a_filter_trims_it_too():
    async def main():
        async with Host() as host:
            host.command("x")(Delivery({"a": 1, "b": 2}, chunk_bytes=1))
            await opened(host)
            async with calling(host) as caller:
                assert (await caller.ask("x", filter={"a": True}))["result"] == {"a": 1}

    asyncio.run(main())


def test_json_text_of_30_megabytes():
    async def main():
        large = b'["%s"]' % (b"x" * 30_000_000)
        async with Host() as host:
            host.command("x")(large)
            await opened(host)
            text, _ = await all_of(host)
            assert large in text

    asyncio.run(main())


def test_text_that_is_no_json_is_refused_at_once():
    with pytest.raises(ValueError, match="byte 1"):
        Host().command("x")(b"[}")


def test_the_caller_is_told_how_it_goes_on():
    async def main():
        async with Host() as host:

            @host.command("x")
            def answer(params, caller: Caller):
                caller.notify("half way", "warn")
                caller.progress(1, 2, stage=(0, 3))
                return [caller.method, caller.token]

            await opened(host)
            async with calling(host) as caller:
                assert (await caller.ask("x"))["result"] == ["x", "1"], "it has not asked for more"
                await caller.ask("notifications", {"enable": True})
                message = await caller.ask("x")
                assert message["method"] == "message"
                assert message["params"] == {"id": 1, "level": "warn", "message": "half way"}
                progress = await caller.receive()
                stage = {"num": 0, "total": 3}
                assert progress["params"] == {"id": 1, "num": 1, "total": 2, "stage": stage}
                assert (await caller.receive())["result"] == ["x", "1"]
            assert await host.call("x") == ["x", "null"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "wrong",
    [{"delay": -1}, {"pause": -0.1}, {"chunk_bytes": 0}, {"hang_up_after": -1}],
)
def test_what_cannot_be(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Delivery([], **wrong)
