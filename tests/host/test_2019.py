"""The dialect of the protocol's first document."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from clnwire.errors import RpcError
from clnwire.host import FatalAnswerError, Host, ManifestError, PluginSpec
from tests.host.raw import MakePlugin
from tests.host.socket_caller import calling

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
THIS_PYTHON = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
Dialect = Literal["current", "2019"]

OLD = """
MANIFEST["rpcmethods"] = [{"name": "echo", "usage": "", "description": "d"}]
MANIFEST["options"] = [
    {"name": "greeting", "type": "string", "description": "d", "default": "World"},
]
MANIFEST["subscriptions"] = ["connect", "disconnect"]
def handle(message, handle=handle):
    log(message["TEXT"])
    handle(message)
def notified(message):
    pass
def answer(message):
    return {"text": message["TEXT"]}
"""


def test_what_the_daemon_of_2019_says(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            plugin = await host.start(make(OLD), {"greeting": "Hi"})
            assert host.notify("connect", {"id": "02", "address": "1.2.3.4"}) == 1
            assert (await host.call("echo", [1], id="cli#1"))["text"] == (
                '{"jsonrpc":"2.0","id":3,"method":"echo","params":[1]}'
            )
            await host.stop()
            assert plugin.returncode == 0
            directory = json.dumps(str(host.rpc_path.parent))
            assert [entry.message for entry in host.logs] == [
                '{"jsonrpc":"2.0","id":1,"method":"getmanifest"}',
                (
                    '{"jsonrpc":"2.0","id":2,"method":"init","params":{"options":{"greeting":"Hi"},'
                    f'"configuration":{{"lightning-dir":{directory},"rpc-file":"lightning-rpc"}}}}}}'
                ),
                '{"jsonrpc":"2.0","method":"connect","params":{"id":"02","address":"1.2.3.4"}}',
                '{"jsonrpc":"2.0","id":3,"method":"echo","params":[1]}',
            ]

    asyncio.run(run())


def test_ids_are_unique_and_restored(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make(OLD))
            async with calling(host) as one, calling(host) as other:
                for caller, token in ((one, "a"), (other, "a"), (one, 7), (other, None)):
                    reply = await caller.ask("echo", [token], id=token)
                    assert reply["id"] == token
            sent = [json.loads(entry.message) for entry in host.logs if "echo" in entry.message]
            assert [message["id"] for message in sent] == [3, 4, 5, 6]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"options": [{"name": "o", "type": "int", "description": "d"}]}, "must be one of string,"),
        ({"rpcmethods": [{"name": "m", "usage": ""}]}, "must be a string, and is missing"),
        ({"rpcmethods": [{"name": "help", "usage": "", "description": "d"}]}, "already taken"),
        ({"hooks": ["htlc_accepted"]}, "there is no hook 'htlc_accepted'"),
        ({"hooks": [{"name": "db_write"}]}, "must be a name in 2019"),
        ({"hooks": ["db_write", "db_write"]}, "registered twice"),
        ({"options": {}}, "must be an array"),
    ],
)
def test_manifests_that_2019_refuses(make: MakePlugin, members: Any, rule: str) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            with pytest.raises(ManifestError) as caught:
                await host.start(make(f"MANIFEST.update({members!r})"))
            assert rule.rstrip(",") in str(caught.value)

    asyncio.run(run())


def test_ids_that_are_no_strings_are_fine(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make('MANIFEST["nonnumericids"] = False'))

    asyncio.run(run())


HOOKS = """
MANIFEST["hooks"] = ["db_write", "invoice_payment", "peer_connected"]
def answer(message):
    log(message["TEXT"])
    params = message["params"]
    return True if params.get("writes") == ["good"] else params.get("give")
"""

ACCEPTED: list[tuple[str, Any]] = [
    ("invoice_payment", {}),
    ("invoice_payment", {"failure_code": 16399}),
    ("peer_connected", {"result": "continue"}),
    ("peer_connected", {"result": "disconnect", "error_message": "no"}),
]
FATAL: list[tuple[str, Any, str]] = [
    ("db_write", False, "must be true, not false"),
    ("db_write", {"result": "continue"}, "must be true"),
    ("invoice_payment", {"failure_code": 0}, "failure_code"),
    ("invoice_payment", {"failure_code": "x"}, "failure_code"),
    ("invoice_payment", True, "is an object"),
    ("peer_connected", {}, '"result" must be "continue" or "disconnect"'),
]


@pytest.mark.parametrize(("hook", "answer"), ACCEPTED)
def test_answers_of_2019(make: MakePlugin, hook: str, answer: Any) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make(HOOKS), migrations=[["good"]])
            assert await host.hook(hook, {"give": answer}) == answer
            assert host.logs[0].message == (
                '{"jsonrpc":"2.0","id":2,"method":"db_write","params":{"writes":["good"]}}'
            )

    asyncio.run(run())


@pytest.mark.parametrize(("hook", "answer", "reason"), FATAL)
def test_answers_that_end_the_daemon_of_2019(
    make: MakePlugin, hook: str, answer: Any, reason: str
) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make(HOOKS), migrations=[])
            with pytest.raises(FatalAnswerError) as caught:
                await host.hook(hook, {"give": answer})
            assert reason in caught.value.reason
            assert (await host.wait_stopped()).failed

    asyncio.run(run())


@pytest.mark.parametrize("dialect", ["current", "2019"])
def test_the_example_hello(dialect: Dialect) -> None:
    async def run() -> None:
        async with Host(dialect=dialect) as host:
            await host.start_all(
                [PluginSpec(EXAMPLES / "hello.py")], {"greeting": "Hi"}, env=THIS_PYTHON
            )
            assert await host.call("hello") == "Hello Hi"
            assert await host.call("hello", {"name": "Rusty"}) == "Hello Rusty"
            assert len(await host.call("gettime")) == 25
            with pytest.raises(RpcError, match="no time zone 'Nowhere'") as caught:
                await host.call("gettime", ["Nowhere"])
            assert caught.value.code == -32602
            address: Any = "1.2.3.4"
            if dialect == "current":
                address = {"type": "ipv4", "address": "1.2.3.4", "port": 9735}
            host.notify("connect", {"id": "02aa", "direction": "in", "address": address})
            entry = await host.wait_for_log("02aa")
            assert entry.message == "02aa is connected from 1.2.3.4"
            host.notify("disconnect", {"id": "02aa"})
            await host.wait_for_log("02aa is gone")

    asyncio.run(run())


@pytest.mark.parametrize("dialect", ["current", "2019"])
def test_the_example_replica(tmp_path: Path, dialect: Dialect) -> None:
    replica = tmp_path / "replica.sqlite3"

    async def run() -> None:
        async with Host(dialect=dialect) as host:
            spec = PluginSpec(EXAMPLES / "replica.py", important=True)
            env = {**THIS_PYTHON, "CLNWIRE_REPLICA": str(replica)}
            await host.start_all([spec], env=env)
            await host.db_write(["INSERT INTO vars VALUES ('a', 1)"])
            await host.db_write(["INSERT INTO vars VALUES ('b', 2)", "DELETE FROM version"])
            with pytest.raises(FatalAnswerError):
                await host.db_write(["INSERT INTO nowhere VALUES (1)"])
            assert (await host.wait_stopped()).failed

    asyncio.run(run())
    database = sqlite3.connect(replica)
    assert database.execute("SELECT * FROM vars").fetchall() == [("a", 1), ("b", 2)]
    assert database.execute("SELECT * FROM version").fetchall() == []
    database.close()
