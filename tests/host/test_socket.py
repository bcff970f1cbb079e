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
        ('"ö"', "ö/"),
        (r'"a\"\\ö"', "weird-id/"),
        ("null", "null/"),
    ],
)
def test_only_the_id_is_changed(make: MakePlugin, token: str, prefix: str) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        before, after = (
            '{ "jsonrpc":"2.0","method":"echo",\n\n "id" : ',
            ' , "filter":{"a":true}, "params":[ 1 ]}',
        )
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
        reply = json.loads(await second.ask('{"jsonrpc":"2.0","id":3,"method":"fast","params":{}}'))
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
            caller.send(f'{{"jsonrpc":"2.0","id":{number},"method":"echo","params":[]}}')
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
        peers = json.loads(
            await caller.ask('{"jsonrpc":"2.0","id":1,"method":"listpeers","params":["02"]}')
        )
        assert peers["result"] == {"peers": [], "got": ["02"]}
        funds = json.loads(
            await caller.ask('{"jsonrpc":"2.0","id":1,"method":"listfunds","params":{}}')
        )
        assert funds["result"] == {"outputs": []}
        info = json.loads(
            await caller.ask('{"jsonrpc":"2.0","id":1,"method":"getinfo","params":{}}')
        )["result"]
        assert info["network"] == "regtest"
        assert info["version"] == "v26.06.6"
        help_ = json.loads(
            await caller.ask('{"jsonrpc":"2.0","id":1,"method":"help","params":{}}')
        )["result"]
        names = [entry["command"].partition(" ")[0] for entry in help_["help"]]
        assert {"echo", "getinfo", "help", "listpeers", "notifications"} <= set(names)
        one = json.loads(
            await caller.ask('{"jsonrpc":"2.0","id":1,"method":"help","params":["echo"]}')
        )
        assert one["result"]["help"] == [{"command": "echo"}]

    with_callers(make, talk)


V2 = '{"jsonrpc":"2.0",'
VERSION = 'jsonrpc: "2.0" must be specified in the request'
NOT_THERE = 'JSON-RPC message does not contain "jsonrpc" field: \''


@pytest.mark.parametrize(
    ("request_text", "token", "code", "message"),
    [
        (V2 + '"id":1,"method":"none","params":{}}', 1, -32601, "Unknown command 'none'"),
        (V2 + '"id":"a","params":{}}', "a", -32600, "No method"),
        (V2 + '"id":"a"}', "a", -32600, "No method"),
        (V2 + '"id":null,"method":5,"params":{}}', None, -32600, "Expected string for method"),
        (V2 + '"id":1,"method":"echo"}', 1, -32600, "No params"),
        (V2 + '"id":1,"method":5}', 1, -32600, "No params"),
        (V2 + '"method":"echo","params":{}}', None, -32600, "No id"),
        (V2 + '"id":{},"method":"echo","params":{}}', None, -32600, "string/primitive for id"),
        (V2 + '"id":[1],"method":"echo","params":[]}', None, -32600, "string/primitive for id"),
        ('{"jsonrpc":"1.0","id":1,"method":"echo","params":{}}', None, -32600, VERSION),
        ('{"jsonrpc":2.0,"id":1,"method":"echo","params":{}}', None, -32600, VERSION),
        (V2 + '"id":1,"method":"getinfo","params":5}', 1, -32602, "Expected array or object"),
        (V2 + '"id":1,"method":"notifications","params":{"enable":1}}', 1, -32602, "enable"),
    ],
)
def test_requests_that_are_refused(
    make: MakePlugin, request_text: str, token: object, code: int, message: str
) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        reply = json.loads(await caller.ask(request_text))
        assert reply["id"] == token
        assert reply["error"]["code"] == code
        assert message in reply["error"]["message"]
        # The connection goes on.
        assert "result" in json.loads(await caller.ask(ECHO))

    with_callers(make, talk)


ECHO = '{"jsonrpc":"2.0","id":9,"method":"echo","params":{}}'


@pytest.mark.parametrize(
    ("request_text", "message"),
    [
        ('{"id":1,"method":"echo","params":{}}', NOT_THERE),
        ('["jsonrpc"]', NOT_THERE),
        ("hello", "Invalid token in json input"),
    ],
)
def test_what_is_no_message_ends_the_connection(
    make: MakePlugin, request_text: str, message: str
) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        reply = json.loads(await caller.ask(request_text))
        assert reply["id"] is None
        assert reply["error"]["code"] == -32600
        assert message in reply["error"]["message"]
        assert await caller.reader.read() == b""

    with_callers(make, talk)


def test_in_2019_nobody_asked_for_the_version(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make(PLUGIN))
            reader, writer = await asyncio.open_unix_connection(host.rpc_path)
            caller = Caller(reader, writer)
            reply = json.loads(await caller.ask('{"id":1,"method":"getinfo","params":{}}'))
            assert reply["result"]["network"] == "regtest"
            writer.close()
            await writer.wait_closed()

    asyncio.run(run())


def test_a_plugin_that_dies_fails_its_callers(make: MakePlugin) -> None:
    async def talk(host: Host, first: Caller, second: Caller) -> None:
        first.send('{"jsonrpc":"2.0","id":1,"method":"slow","params":{}}')
        while not host.plugin.pending:
            await asyncio.sleep(0.001)
        for reply in (
            await second.ask('{"jsonrpc":"2.0","id":2,"method":"die","params":{}}'),
            await first.receive(),
        ):
            error = json.loads(reply)["error"]
            assert error["code"] == -4
            assert "exited with status 4" in error["message"]
        error = json.loads(await first.ask('{"jsonrpc":"2.0","id":1,"method":"echo","params":{}}'))[
            "error"
        ]
        assert error["code"] == -32601

    with_callers(make, talk, callers=2)


def test_a_caller_that_leaves_does_no_harm(make: MakePlugin) -> None:
    async def talk(host: Host, first: Caller, second: Caller) -> None:
        first.send('{"jsonrpc":"2.0","id":1,"method":"slow","params":{}}')
        while not host.plugin.pending:
            await asyncio.sleep(0.001)
        first.writer.close()
        await first.writer.wait_closed()
        assert "result" in json.loads(
            await second.ask('{"jsonrpc":"2.0","id":2,"method":"fast","params":{}}')
        )
        assert "result" in json.loads(
            await second.ask('{"jsonrpc":"2.0","id":3,"method":"echo","params":{}}')
        )

    with_callers(make, talk, callers=2)


HOOKED = """
MANIFEST["rpcmethods"] = [{"name": "echo", "usage": ""}]
MANIFEST["hooks"] = [{"name": "rpc_command", "filters": ["echo", "getinfo", "pay"]}]
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
    if kind == "unknown":
        return {"replace": {"jsonrpc": "2.0", "id": 1, "method": "nope", "params": {}}}
    return {"result": "continue"}
"""


def test_rpc_command_sees_commands_first(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        async def ask(text: str) -> Any:
            return json.loads(await caller.ask(text))

        text = '{"jsonrpc":"2.0","id":"x","method":"echo", "params":{}}'
        assert "x/cln:echo#4" in (await ask(text))["result"]["text"]
        start = '{"jsonrpc":"2.0","id":"x/cln:rpc_command#3","method":"rpc_command","params":'
        anew = text.replace(", ", ",")
        assert host.logs[-1].message == start + '{"rpc_command":' + anew + "}}"
        replaced = await ask(
            '{"jsonrpc":"2.0","id":"x","method":"pay","params":{"kind":"replace"}}'
        )
        assert replaced["id"] == "x"
        assert '"params":{"replaced":true}' in replaced["result"]["text"]
        returned = await ask('{"jsonrpc":"2.0","id":1,"method":"pay","params":{"kind":"result"}}')
        assert returned["result"] == {"mine": 1}
        refused = await ask('{"jsonrpc":"2.0","id":1,"method":"pay","params":{"kind":"error"}}')
        assert refused["error"] == {"code": 9, "message": "not today"}
        undecided = await ask(
            '{"jsonrpc":"2.0","id":"x","method":"echo","params":{"kind":"undecided"}}'
        )
        assert "undecided" in undecided["result"]["text"]
        bad = await ask('{"jsonrpc":"2.0","id":1,"method":"pay","params":{"kind":"bad"}}')
        why = "Bad response to 'rpc_command' hook: "
        assert bad["error"]["message"] == why + "missing 'method' ({})"
        text = '{"jsonrpc":"2.0","id":1,"method":"pay","params":{"kind":"unknown"}}'
        unknown = await ask(text)
        assert unknown["error"]["message"].startswith(why + "redirected to unknown method 'nope'")
        count = len(host.logs)
        nope = await ask('{"jsonrpc":"2.0","id":1,"method":"nope","params":{}}')
        assert nope["error"]["message"] == "Unknown command 'nope'"
        assert (
            "help" in (await ask('{"jsonrpc":"2.0","id":1,"method":"help","params":{}}'))["result"]
        )
        assert len(host.logs) == count

    with_callers(make, talk, body=HOOKED)


def test_of_a_doubled_method_the_first_is_run_and_the_hook_sees_both(make: MakePlugin) -> None:
    async def talk(host: Host, caller: Caller) -> None:
        text = '{"jsonrpc":"2.0","id":1,"method":"getinfo","method":"help","params":{}}'
        reply = json.loads(await caller.ask(text))
        assert reply["result"]["network"] == "regtest"
        assert '{"rpc_command":' + text + "}" in host.logs[-1].message

    with_callers(make, talk, body=HOOKED)


@pytest.mark.parametrize(
    ("request_text", "said"),
    [
        (r'"id":1,"\u006dethod":"getinfo","params":{}', "No method"),
        (r'"id":1,"method":"getinfo","p\u0061rams":{}', "No params"),
        (r'"\u0069d":1,"method":"getinfo","params":{}', "No id"),
        (r'"id":1,"method":"get\u0069nfo","params":{}', r"Unknown command 'get\\u0069nfo'"),
        (r'"id":1,"\u006dethod":"getinfo","method":"none","params":{}', "Unknown command 'none'"),
    ],
)
def test_names_count_as_they_are_spelled(make: MakePlugin, request_text: str, said: str) -> None:
    async def run() -> bytes:
        async with Host() as host:
            await host.start(make(""))
            reader, writer = await asyncio.open_unix_connection(host.rpc_path)
            writer.write(b'{"jsonrpc":"2.0",%s}' % request_text.encode())
            reply = await asyncio.wait_for(reader.readuntil(b"\n\n"), 10)
            writer.close()
            return reply

    assert said in asyncio.run(run()).decode()
