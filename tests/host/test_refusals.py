"""Texts that are not JSON: the host refuses what lightningd refuses, and takes what it takes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from clnwire.host import Host
from tests.host.raw import MakePlugin
from tests.host.refusals import OUTCOMES, SILENT, outcome


@pytest.mark.promise(
    "the embedded host and lightningd judge a malformed call",
    "the host refuses what lightningd refuses, and takes what it takes",
)
@pytest.mark.parametrize("pieces", ["whole", "bytewise"])
def test_texts_that_are_no_json(make: MakePlugin, pieces: str) -> None:
    async def ask(path: Path, text: bytes) -> str:
        reader, writer = await asyncio.open_unix_connection(path)
        step = len(text) if pieces == "whole" else 1
        for at in range(0, len(text), step):
            writer.write(text[at : at + step])
            await asyncio.sleep(0)
        writer.write_eof()
        reply = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return outcome(reply)

    async def run() -> dict[bytes, str]:
        async with Host() as host:
            await host.start(make(""))
            return {text: await ask(host.rpc_path, text) for text in OUTCOMES | SILENT}

    assert asyncio.run(run()) == OUTCOMES | SILENT


def test_a_refusal_ends_the_connection_before_its_text_does(make: MakePlugin) -> None:
    async def run() -> bytes:
        async with Host() as host:
            await host.start(make(""))
            reader, writer = await asyncio.open_unix_connection(host.rpc_path)
            writer.write(b'{"jsonrpc":"2.0","id":1,"method":"getinfo","params":{"a" "b')
            reply = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return reply

    assert outcome(asyncio.run(run())) == "refused"
