"""The host's socket: calls and texts that are no JSON, of which lightningd's verdict is known."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from clnwire.host import Host
from tests.host.refusals import OUTCOMES, SILENT, outcome

TEXTS: Final = tuple((OUTCOMES | SILENT).items())
TOKENS: Final = (b"7", b"-0", b"1e2", b'"a"', b'"\\u0061"', b'"\xc3\xa9"', b'"x\\/y"', b"9" * 20)
SPACES: Final = (b"", b" ", b"\n\n", b"\t\r\n", b"  ")
CALLERS: Final = 20


class Target:
    """Each case is a host with some callers, one after another."""

    def __init__(self, folder: Path) -> None:
        del folder

    def case(self, random: Random) -> int:
        """Each caller gets the replies that lightningd would give it. Returns their number."""
        asyncio.run(self._case(random))
        return CALLERS

    async def _case(self, random: Random) -> None:
        async with Host() as host:
            await host.start_all([])
            for _ in range(CALLERS):
                items: list[tuple[bytes, str]] = []
                while len(items) < 5 and not (items and items[-1][1] == "waits"):
                    items.append(item(random))
                stream = b"".join(random.choice(SPACES) + text for text, _ in items)
                found = [*replies(await self._ask(random, host.rpc_path, stream))]
                assert found == [*expected(items)], (items, found)

    async def _ask(self, random: Random, path: Path, stream: bytes) -> bytes:
        loop, reply = asyncio.get_running_loop(), b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.setblocking(False)
            await loop.sock_connect(caller, str(path))
            # The daemon closes the connection at some texts, whatever it has not read.
            with suppress(BrokenPipeError):
                await self._send(random, caller, stream)
                caller.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while data := await asyncio.wait_for(loop.sock_recv(caller, 1 << 16), 60):
                    reply += data
        return reply

    async def _send(self, random: Random, caller: socket.socket, stream: bytes) -> None:
        most = random.choice([1, 5, 1000])
        while stream:
            length = random.randint(1, most)
            await asyncio.get_running_loop().sock_sendall(caller, stream[:length])
            stream = stream[length:]
            await asyncio.sleep(0)


def item(random: Random) -> tuple[bytes, str]:
    """A text, and what lightningd does with it; for a call, the id's token."""
    if random.random() < 0.3:
        return random.choice(TEXTS)
    token = random.choice(TOKENS)
    members = [
        b'"jsonrpc":%s"2.0"' % random.choice(SPACES),
        b'"id"%s:%s' % (random.choice(SPACES), token),
        b'"method":"none"',
        b'"params":' + random.choice([b"[]", b"{}", b'{"a":"}\\n\\n{"}', b"[[[1.50e+2]]]"]),
    ]
    random.shuffle(members)
    return b"{%s}" % (b"," + random.choice(SPACES)).join(members), token.decode()


def expected(items: list[tuple[bytes, str]]) -> Any:
    """The outcomes, up to the first text behind which nothing is read."""
    for _, what in items:
        if what == "waits":
            return
        yield what
        if what in ("refused", "no version"):
            return


def replies(text: bytes) -> Any:
    """What each reply is; of those to a call, the id's token."""
    for each in text.decode().split("\n\n"):
        if not each:
            continue
        json.loads(each)
        what = outcome(each.encode())
        token = each.partition('"id":')[2].partition(',"error"')[0]
        yield what if what != "answered" or token == "1" else token
