"""Calls, notifications and the end, as the program that runs the host sees them."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Host
from tests.host.raw import MakePlugin

ECHO = """
MANIFEST["rpcmethods"] = [
    {"name": name, "usage": ""} for name in ("echo", "refuse", "hang", "mute")
]
def handle(message, handle=handle):
    method = message["method"]
    if method == "refuse":
        fail(message, 5, "no", data=[1])
    elif method == "mute":
        send(id=message["id"])
    elif method != "hang":
        handle(message)
def answer(message):
    return {"text": message["TEXT"]}
"""


def test_a_call(make: MakePlugin) -> None:
    async def run() -> list[Any]:
        async with Host() as host:
            await host.start(make(ECHO))
            return [
                (await host.call("echo"))["text"],
                (await host.call("echo", [1, "ö"]))["text"],
                (await host.call("echo", {"a": None}, id="cli#1"))["text"],
                (await host.call("echo", b"[ 1 ]", id=5))["text"],
            ]

    start = '{"jsonrpc":"2.0","id":'
    assert asyncio.run(run()) == [
        start + '"cln:echo#3","method":"echo","params":{}}',
        start + '"cln:echo#4","method":"echo","params":[1,"ö"]}',
        start + '"cli#1/cln:echo#5","method":"echo","params":{"a":null}}',
        start + '"5/cln:echo#6","method":"echo","params":[ 1 ]}',
    ]


def test_calls_that_fail(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(shutdown_timeout=0.1) as host:
            await host.start(make(ECHO))
            with pytest.raises(RpcError) as caught:
                await host.call("refuse")
            error = caught.value
            assert (error.code, error.message, error.data) == (5, "no", [1])
            with pytest.raises(RpcError, match="neither result nor error"):
                await host.call("mute")
            with pytest.raises(RpcError, match="Unknown command 'none'") as caught:
                await host.call("none")
            assert caught.value.code == -32601
            with pytest.raises(TimeoutError, match="'hang' was not answered within"):
                await host.call("hang", timeout=0.05)

    asyncio.run(run())


def test_commands_without_a_plugin() -> None:
    async def run() -> None:
        async with Host() as host:
            assert (await host.call("getinfo"))["num_peers"] == 0

            @host.command("fails")
            def fails(params: Any) -> None:
                raise RpcError(7, "because", {"params": params})

            with pytest.raises(RpcError, match="because") as caught:
                await host.call("fails", {"a": 1})
            assert caught.value.data == {"params": {"a": 1}}

    asyncio.run(run())


LISTENER = """
MANIFEST["subscriptions"] = SUBSCRIPTIONS
MANIFEST["notifications"] = [{"method": "mine"}]
MANIFEST["rpcmethods"] = [{"name": "publish", "usage": ""}]
def notified(message):
    if message["method"] == "shutdown":
        sys.exit(0)
    log(message["TEXT"])
def answer(message):
    send(method="mine", params=[1])
    return {}
"""


def heard(make: MakePlugin, subscriptions: list[str]) -> list[str]:
    """What a plugin with these subscriptions gets, of three notifications."""

    async def run() -> list[str]:
        async with Host() as host:
            body = LISTENER.replace("SUBSCRIPTIONS", json.dumps(subscriptions))
            plugin = await host.start(make(body))
            host.notify("connect", {"id": "02"})
            host.notify("log", {"log": "x"})
            host.notify("theirs", [1, 2], origin="other.py")
            await host.call("publish")
            await host.stop()
            assert plugin.returncode == 0
            return [entry.message for entry in host.logs if "plugin_started" not in entry.message]

    return asyncio.run(run())


CONNECT = '{"jsonrpc":"2.0","method":"connect","params":{"connect":{"id":"02"}}}'
THEIRS = '{"jsonrpc":"2.0","method":"theirs","origin":"other.py","params":[1,2]}'
MINE = '{"jsonrpc":"2.0","method":"mine","origin":"plugin.py","params":[1]}'
LOG = '{"jsonrpc":"2.0","method":"log","params":{"log":{"log":"x"}}}'


@pytest.mark.parametrize(
    ("subscriptions", "expected"),
    [
        ([], []),
        (["connect"], [CONNECT]),
        (["*"], [CONNECT, THEIRS, MINE]),
        (["*", "connect"], [CONNECT, CONNECT, THEIRS, MINE]),
        (["log", "theirs", "mine"], [LOG, THEIRS, MINE]),
    ],
)
def test_notifications(make: MakePlugin, subscriptions: list[str], expected: list[str]) -> None:
    assert heard(make, subscriptions) == expected


def test_notify_says_how_often(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            assert host.notify("connect", {}) == 0
            await host.start(make('MANIFEST["subscriptions"] = ["*", "connect"]'))
            assert host.notify("connect", {}) == 2
            assert host.notify("disconnect", {}) == 1
            assert host.notify("log", {}) == 0

    asyncio.run(run())


def test_plugin_started_is_announced(make: MakePlugin) -> None:
    body = LISTENER.replace("SUBSCRIPTIONS", '["plugin_started"]')

    async def run() -> None:
        async with Host() as host:
            plugin = await host.start(make(body))
            entry = await host.wait_for_log("plugin_started")
            event = json.loads(entry.message)["params"]["plugin_started"]
            path = str(plugin.path)
            assert event == {
                "plugin_name": "plugin.py",
                "plugin_path": path,
                "methods": ["publish"],
            }

    asyncio.run(run())


def ended(make: MakePlugin, body: str, patience: float = 20) -> tuple[int | None, float]:
    """The return code of a plugin that is stopped, and how long that took."""

    async def run() -> tuple[int | None, float]:
        async with Host(shutdown_timeout=patience) as host:
            plugin = await host.start(make(body))
            started = time.perf_counter()
            await host.stop()
            return plugin.returncode, time.perf_counter() - started

    return asyncio.run(run())


SHUTDOWN = """
MANIFEST["subscriptions"] = SUBSCRIPTIONS
def notified(message):
    if message["TEXT"] == '{"jsonrpc":"2.0","method":"shutdown","params":{"shutdown":{}}}':
        sys.exit(11)
def ended():
    sys.exit(12)
"""


@pytest.mark.parametrize(
    ("subscriptions", "code"), [('["shutdown"]', 11), ('["*"]', 11), ('["connect"]', 12)]
)
def test_the_end_is_told_or_seen(make: MakePlugin, subscriptions: str, code: int) -> None:
    assert ended(make, SHUTDOWN.replace("SUBSCRIPTIONS", subscriptions))[0] == code


@pytest.mark.parametrize("subscriptions", ['["shutdown"]', "[]"])
def test_who_stays_is_killed(make: MakePlugin, subscriptions: str) -> None:
    body = f'MANIFEST["subscriptions"] = {subscriptions}\n'
    body += "def notified(message):\n    pass\ndef ended():\n    time.sleep(60)"
    code, seconds = ended(make, body, 0.3)
    assert code == -signal.SIGKILL
    assert seconds > 0.25


def test_a_call_that_the_end_cuts_short(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(ECHO))
            waiting = asyncio.ensure_future(host.call("hang"))
            await asyncio.sleep(0)
            await host.stop()
            with pytest.raises(RpcError, match="exited with status 0"):
                await waiting

    asyncio.run(run())


def test_an_error_in_the_block_still_ends_the_plugin(make: MakePlugin) -> None:
    async def run() -> Host:
        async with Host() as host:
            await host.start(make(""))
            raise KeyError(host)

    with pytest.raises(KeyError) as caught:
        asyncio.run(run())
    host: Host = caught.value.args[0]
    assert host.plugin.returncode == 0
