"""The unix socket: passthrough byte for byte, one command at a time on a connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from clnwire.host import Host
from tests.host.raw import MakePlugin

PLUGIN = """
MANIFEST["rpcmethods"] = [
    {"name": name, "usage": "", "description": "d"}
    for name in ("echo", "slow", "fast", "die", "noisy", "refuse", "spaced")
]
slow = []
def handle(message, handle=handle):
    method = message["method"]
    if method == "slow":
        slow.append(message)
    elif method == "noisy":
        send(method="message", params={"id": message["id"], "level": "info", "message": "hm"})
        send(method="progress", params={"num": 0, "total": 2, "id": message["id"]})
        reply(message, {})
    elif method == "refuse":
        fail(message, 5, "no", data={"why": [1]}, traceback="...")
    elif method == "spaced":
        say('{ "result" : {\\n\\n} , "id" : %s ,\\n"jsonrpc":"2.0"}' % json.dumps(message["id"]))
    else:
        handle(message)
        if method == "fast":
            for message in slow:
                reply(message, "slow at last")
def answer(message):
    if message["method"] == "die":
        sys.exit(4)
    return {"text": message["TEXT"]}
"""


class Caller:
    """A caller at the socket, with raw bytes under the test's control."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, text: str | bytes, end: bytes = b"\n\n") -> str:
        self.send(text)
        return await self.receive(end)

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)

    async def receive(self, end: bytes = b"\n\n") -> str:
        """A reply, which contains no such end."""
        return (await asyncio.wait_for(self.reader.readuntil(end), 10)).decode()


def with_callers(
    make: MakePlugin, talk: Callable[..., Awaitable[None]], callers: int = 1, body: str = PLUGIN
) -> None:
    """Runs `talk(host, *callers)` against a host whose plugin has this body."""

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            pairs = [await asyncio.open_unix_connection(host.rpc_path) for _ in range(callers)]
            try:
                await asyncio.wait_for(talk(host, *[Caller(*pair) for pair in pairs]), 20)
            finally:
                for _, writer in pairs:
                    writer.close()
                    await writer.wait_closed()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("token", "prefix"),
    [
        ('"cli:echo#1"', "cli:echo#1/"),
        ("5", "5/"),
        ("-1.50e3", "-1.50e3/"),
        ("123456789012345678901234567890", "123456789012345678901234567890/"),
        (r'"a\"\\ö"', r"a\"\\ö/"),
        ("null", "null/"),
        ('{"a": [1]}', r"{\"a\": [1]}/"),
    ],
)
def test_only_the_id_is_changed(make: MakePlugin, token: str, prefix: str) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        before, after = '{ "method":"echo",\n\n "id" : ', ' , "filter":{"a":true}, "params":[ 1 ]}'
        reply = await caller.ask(before + token + after)
        assert f'"id": {token}, "result"' in reply
        text = json.loads(reply)["result"]["text"]
        assert text == f'{before}"{prefix}cln:echo#3"{after}'

    with_callers(make, talk)


def test_the_reply_is_changed_in_its_id_only(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        request = '{"jsonrpc":"2.0","id":7.0,"method":"spaced","params":{}}'
        reply = await caller.ask(request, end=b'"2.0"}\n\n')
        assert reply == '{ "result" : {\n\n} , "id" : 7.0 ,\n"jsonrpc":"2.0"}\n\n'

    with_callers(make, talk)


def test_an_error_is_passed_on_whole(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        reply = await caller.ask('{"jsonrpc":"2.0","id":1,"method":"refuse","params":{}}')
        error = {"code": 5, "message": "no", "data": {"why": [1]}, "traceback": "..."}
        assert json.loads(reply)["error"] == error

    with_callers(make, talk)


def test_one_at_a_time_on_a_connection_and_connections_side_by_side(make: MakePlugin) -> None:
    async def talk(host: Host, first: Caller, second: Caller) -> None:
        first.send('{"jsonrpc":"2.0","id":1,"method":"slow","params":{}}')
        first.send('{"jsonrpc":"2.0","id":2,"method":"echo","params":{}}')
        while not host.plugin.pending:
            await asyncio.sleep(0.001)
        assert host.plugin.pending == ('"1/cln:slow#3"',)
        reply = json.loads(await second.ask('{"jsonrpc":"2.0","id":3,"method":"fast"}'))
        assert "3/cln:fast#4" in reply["result"]["text"]
        assert json.loads(await first.receive())["result"] == "slow at last"
        assert json.loads(await first.receive())["id"] == 2

    with_callers(make, talk, callers=2)


def test_requests_cut_anywhere(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        for byte in b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\xc3\xb6"}}':
            caller.send(bytes([byte]))
            await caller.writer.drain()
            await asyncio.sleep(0)
        assert json.loads(await caller.receive())["id"] == 1

    with_callers(make, talk)


def test_a_caller_that_sends_everything_at_once_and_listens_later(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        for number in range(50):
            caller.send(f'{{"id":{number},"method":"echo"}}')
        caller.writer.write_eof()
        for number in range(50):
            assert json.loads(await caller.receive())["id"] == number
        assert await caller.reader.read() == b""

    with_callers(make, talk)


def test_notices_come_to_those_who_want_them(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        noisy = '{"jsonrpc":"2.0","id":"a b","method":"noisy","params":{}}'
        assert "result" in json.loads(await caller.ask(noisy))
        on = '{"jsonrpc":"2.0","id":1,"method":"notifications","params":{"enable":true}}'
        assert json.loads(await caller.ask(on)) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert await caller.ask(noisy) == (
            '{"jsonrpc":"2.0","method":"message",'
            '"params":{"id":"a b","level":"info","message":"hm"}}\n\n'
        )
        progress = '{"jsonrpc":"2.0","method":"progress","params":{"num":0,"total":2,"id":"a b"}}'
        assert await caller.receive() == progress + "\n\n"
        assert "result" in json.loads(await caller.receive())
        off = '{"jsonrpc":"2.0","id":1,"method":"notifications","params":[false]}'
        await caller.ask(off)
        assert "result" in json.loads(await caller.ask(noisy))

    with_callers(make, talk)


def test_commands_of_the_host(make: MakePlugin) -> None:
    async def listpeers(params: Any) -> Any:
        await asyncio.sleep(0)
        return {"peers": [], "got": params}

    async def talk(host: Host, caller: Caller) -> None:
        host.command("listpeers")(listpeers)
        host.command("listfunds")({"outputs": []})
        peers = json.loads(await caller.ask('{"id":1,"method":"listpeers","params":["02"]}'))
        assert peers["result"] == {"peers": [], "got": ["02"]}
        funds = json.loads(await caller.ask('{"id":1,"method":"listfunds"}'))
        assert funds["result"] == {"outputs": []}
        info = json.loads(await caller.ask('{"id":1,"method":"getinfo","params":{}}'))["result"]
        assert info["network"] == "regtest"
        assert info["version"] == "v26.06.6"
        help_ = json.loads(await caller.ask('{"id":1,"method":"help"}'))["result"]
        names = [entry["command"].partition(" ")[0] for entry in help_["help"]]
        assert {"echo", "getinfo", "help", "listpeers", "notifications"} <= set(names)
        one = json.loads(await caller.ask('{"id":1,"method":"help","params":["echo"]}'))
        assert one["result"]["help"] == [{"command": "echo"}]

    with_callers(make, talk)


@pytest.mark.parametrize(
    ("request_text", "code", "part"),
    [
        ('{"id":1,"method":"none","params":{}}', -32601, "Unknown command 'none'"),
        ('{"id":1,"params":{}}', -32600, "no method"),
        ('{"method":"echo","params":{}}', -32600, "no id"),
        ('{"id":1,"method":"getinfo","params":5}', -32602, "Expected array or object"),
        ('{"id":1,"method":"notifications","params":{"enable":1}}', -32602, "enable"),
        ("hello", -32600, "Invalid token in json input"),
    ],
)
def test_requests_that_are_refused(
    make: MakePlugin, request_text: str, code: int, part: str
) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        error = json.loads(await caller.ask(request_text))["error"]
        assert error["code"] == code
        assert part in error["message"]

    with_callers(make, talk)


def test_a_plugin_that_dies_fails_its_callers(make: MakePlugin) -> None:
    async def talk(host: Host, first: Caller, second: Caller) -> None:
        first.send('{"id":1,"method":"slow"}')
        while not host.plugin.pending:
            await asyncio.sleep(0.001)
        for reply in (await second.ask('{"id":2,"method":"die"}'), await first.receive()):
            error = json.loads(reply)["error"]
            assert error["code"] == -4
            assert "exited with status 4" in error["message"]
        error = json.loads(await first.ask('{"id":1,"method":"echo"}'))["error"]
        assert error["code"] == -32601

    with_callers(make, talk, callers=2)


def test_a_caller_that_leaves_does_no_harm(make: MakePlugin) -> None:
    async def talk(host: Host, first: Caller, second: Caller) -> None:
        first.send('{"id":1,"method":"slow"}')
        while not host.plugin.pending:
            await asyncio.sleep(0.001)
        first.writer.close()
        await first.writer.wait_closed()
        assert "result" in json.loads(await second.ask('{"id":2,"method":"fast"}'))
        assert "result" in json.loads(await second.ask('{"id":3,"method":"echo"}'))

    with_callers(make, talk, callers=2)


HOOKED = """
MANIFEST["rpcmethods"] = [{"name": "echo", "usage": ""}]
MANIFEST["hooks"] = [{"name": "rpc_command", "filters": ["echo", "getinfo", "pay", "bad"]}]
def answer(message):
    if message["method"] == "echo":
        return {"text": message["TEXT"]}
    log(message["TEXT"])
    command = message["params"]["rpc_command"]
    kind = command["params"].get("kind") if command["params"] else None
    if kind == "replace":
        params = {"replaced": True}
        return {"replace": {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": params}}
    if kind == "result":
        return {"return": {"result": {"mine": 1}}}
    if kind == "error":
        return {"return": {"error": {"code": 9, "message": "not today"}}}
    if kind == "undecided":
        return {"result": "continue", "return": {"result": "not mine"}}
    if kind == "bad":
        return {"replace": {}}
    return {"result": "continue"}
"""


def test_rpc_command_sees_commands_first(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        async def ask(text: str) -> Any:
            return json.loads(await caller.ask(text))

        text = '{"id":"x","method":"echo", "params":{}}'
        assert "x/cln:echo#4" in (await ask(text))["result"]["text"]
        start = '{"jsonrpc":"2.0","id":"x/cln:rpc_command#3","method":"rpc_command","params":'
        anew = text.replace(", ", ",")
        assert host.logs[-1].message == start + '{"rpc_command":' + anew + "}}"
        replaced = await ask('{"id":"x","method":"pay","params":{"kind":"replace"}}')
        assert replaced["id"] == "x"
        assert '"params":{"replaced":true}' in replaced["result"]["text"]
        returned = await ask('{"id":1,"method":"pay","params":{"kind":"result"}}')
        assert returned["result"] == {"mine": 1}
        refused = await ask('{"id":1,"method":"pay","params":{"kind":"error"}}')
        assert refused["error"] == {"code": 9, "message": "not today"}
        undecided = await ask('{"id":"x","method":"echo","params":{"kind":"undecided"}}')
        assert "undecided" in undecided["result"]["text"]
        bad = await ask('{"id":1,"method":"bad","params":{"kind":"bad"}}')
        assert "Bad response to 'rpc_command' hook" in bad["error"]["message"]
        count = len(host.logs)
        assert "help" in (await ask('{"id":1,"method":"help","params":{}}'))["result"]
        assert len(host.logs) == count

    with_callers(make, talk, body=HOOKED)
