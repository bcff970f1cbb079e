"""The daemons of 2019 to 2021: what they say, what they take, and what they end a plugin for."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest

from clnwire.errors import RpcError
from clnwire.host import FatalAnswerError, Host, ManifestError, PluginDiedError, PluginSpec
from tests.host.raw import MakePlugin
from tests.host.socket_caller import calling

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REPLICA_SPEC = PluginSpec(EXAMPLES / "replica.py", important=True)
THIS_PYTHON = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
Dialect = Literal["current", "2020", "2019"]
OLD_ONES = pytest.mark.parametrize("dialect", ["2020", "2019"])

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
                '{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}'
            )
            await host.stop()
            assert plugin.returncode == 0
            directory = json.dumps(str(host.rpc_path.parent))
            assert host.rpc_path.parent.name.startswith("clnwire-"), "there is no network folder"
            assert [entry.message for entry in host.logs] == [
                '{"jsonrpc":"2.0","id":0,"method":"getmanifest","params":{}}',
                (
                    '{"jsonrpc":"2.0","id":1,"method":"init","params":{"options":{"greeting":"Hi"},'
                    f'"configuration":{{"lightning-dir":{directory},"rpc-file":"lightning-rpc"}}}}}}'
                ),
                '{"jsonrpc":"2.0","method":"connect","params":{"id":"02","address":"1.2.3.4"}}',
                '{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}',
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
            assert [message["id"] for message in sent] == [2, 3, 4, 5]

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
    return True if params.get("writes") else params.get("give")
"""

ACCEPTED: list[tuple[str, Any]] = [
    ("invoice_payment", {}),
    ("invoice_payment", True),
    ("invoice_payment", {"result": "continue"}),
    ("invoice_payment", {"result": "reject", "failure_code": 16399}),
    ("invoice_payment", {"failure_message": "2002", "failure_code": 8194}),
    ("invoice_payment", {"failure_code": 16399}),
    ("peer_connected", {"result": "continue"}),
    ("peer_connected", {"result": "disconnect", "error_message": "no"}),
]
FATAL: list[tuple[str, Any, str]] = [
    ("db_write", False, "must be true, not false"),
    ("db_write", {"result": "continue"}, "must be true"),
    ("invoice_payment", {"failure_code": 0}, "failure_code"),
    ("invoice_payment", {"failure_code": "x"}, "failure_code"),
    ("invoice_payment", {"failure_code": 0x1007}, "UPDATE"),
    ("invoice_payment", {"failure_code": 0x8000}, "at each reconnect"),
    ("peer_connected", {}, '"result" must be "continue" or "disconnect"'),
]


@pytest.mark.parametrize(("hook", "answer"), ACCEPTED)
def test_answers_of_2019(make: MakePlugin, hook: str, answer: Any) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            await host.start(make(HOOKS), migrations=[["good"]])
            assert await host.hook(hook, {"give": answer}) == answer
            framed = '["BEGIN TRANSACTION;","good","COMMIT;"]'
            assert [host.logs[index].message for index in (0, 1)] == [
                (
                    '{"jsonrpc":"2.0","id":1,"method":"db_write",'
                    '"params":{"writes":["PRAGMA foreign_keys = ON;"]}}'
                ),
                f'{{"jsonrpc":"2.0","id":2,"method":"db_write","params":{{"writes":{framed}}}}}',
            ]

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


@pytest.mark.parametrize("dialect", ["current", "2020", "2019"])
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
            address = {"type": "ipv4", "address": "1.2.3.4", "port": 9735}
            host.notify("connect", {"id": "02aa", "direction": "in", "address": address})
            entry = await host.wait_for_log("02aa")
            assert entry.message == "02aa is connected from 1.2.3.4"
            host.notify("disconnect", {"id": "02aa"})
            await host.wait_for_log("02aa is gone")

    asyncio.run(run())


@pytest.mark.parametrize("dialect", ["current", "2020"])
def test_the_example_replica(tmp_path: Path, dialect: Dialect) -> None:
    async def run() -> int:
        async with Host(dialect=dialect) as host:
            await host.start_all([REPLICA_SPEC], env=replica_in(tmp_path))
            await host.db_write(["INSERT INTO vars VALUES ('a', 1)"])
            await host.db_write(["INSERT INTO vars VALUES ('b', 2)", "DELETE FROM version"])
            last = host.data_version
            with pytest.raises(FatalAnswerError, match="committed without the replica"):
                await host.db_write(["DELETE FROM vars"], data_version=last + 5)
            assert (await host.wait_stopped()).failed
            return last

    last = asyncio.run(run())
    restored = tmp_path / "restored.sqlite3"
    command = [sys.executable, EXAMPLES / "replica.py", "restore", restored]
    env = {**os.environ, **replica_in(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"{restored} is the node's database at version {last}\n"
    with closing(sqlite3.connect(restored)) as database:
        assert database.execute("SELECT * FROM vars").fetchall() == [("a", 1), ("b", 2)]
        assert database.execute("SELECT * FROM version").fetchall() == []


def test_the_example_replica_refuses_a_daemon_that_numbers_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with Host(dialect="2019") as host:
            with pytest.raises(FatalAnswerError, match=r"use Core Lightning v0\.8\.1 or newer"):
                await host.start_all([REPLICA_SPEC], env=replica_in(tmp_path))

    asyncio.run(run())


def replica_in(folder: Path) -> dict[str, str]:
    return {**THIS_PYTHON, "CLNWIRE_REPLICA": str(folder / "replica")}


WRITES = 'MANIFEST["hooks"] = ["db_write"]\ndef answer(message):\n    return {answer}\n'


@pytest.mark.parametrize(
    ("dialect", "answer", "reason"),
    [
        ("current", True, "is an object"),
        ("2020", True, "is an object"),
        ("2019", {"result": "continue"}, "must be true"),
    ],
)
def test_what_db_write_wants(make: MakePlugin, dialect: Dialect, answer: Any, reason: str) -> None:
    async def run() -> None:
        async with Host(dialect=dialect) as host:
            with pytest.raises(FatalAnswerError, match=reason):
                await host.start(make(WRITES.format(answer=answer)))

    asyncio.run(run())


UNASKED = """
MANIFEST["options"] = [{"name": "say", "type": "string", "description": "d"}]
MANIFEST["notifications"] = [{"method": "mine"}]
MANIFEST["rpcmethods"] = [{"name": "ask", "usage": "", "description": "d"}]
def answer(message):
    said = json.loads(message["params"][0])
    if "id" in said.get("params", ()):
        said["params"]["id"] = message["id"]
    send(**said)
    return "done"
"""
NOTICE = {"method": "progress", "params": {"id": 0, "num": 1, "total": 2}}


@pytest.mark.parametrize(
    ("said", "killers"),
    [
        ({"method": "log", "params": {"level": "trace", "message": "m"}}, ["2019", "2020"]),
        ({"method": "log", "params": {"level": "unusual", "message": "m"}}, ["2019"]),
        ({"method": "log", "params": {"level": "warn", "message": "m"}}, []),
        (NOTICE, ["2019"]),
        ({"method": "mine", "params": {}}, ["2019", "2020"]),
        ({"id": 77, "result": 1}, ["2019", "2020"]),
    ],
)
@pytest.mark.parametrize("dialect", ["current", "2020", "2019"])
def test_what_a_plugin_is_killed_for(
    make: MakePlugin, dialect: Dialect, said: dict[str, Any], killers: list[str]
) -> None:
    async def run() -> None:
        async with Host(dialect=dialect) as host:
            plugin = await host.start(make(UNASKED))
            asking = asyncio.ensure_future(host.call("ask", [json.dumps(said)]))
            if dialect not in killers:
                assert await asking == "done"
                return
            await plugin.process.exited()
            assert plugin.death is not None
            assert plugin.death.kind in ("level", "notification", "reply")
            if dialect == "2020":
                with pytest.raises(RpcError) as caught:
                    await asking
                assert caught.value.code == -4
                return
            # The daemon of 2019 forgets who waits.
            await asyncio.sleep(0)
            assert not asking.done()
            asking.cancel()

    asyncio.run(run())


@OLD_ONES
@pytest.mark.parametrize("topic", ["*", "block_added", "shutdown", "mine"])
def test_a_topic_that_does_not_exist(make: MakePlugin, dialect: Dialect, topic: str) -> None:
    async def run() -> None:
        async with Host(dialect=dialect) as host:
            with pytest.raises(ManifestError, match="not a known notification topic"):
                await host.start(make(f'MANIFEST["subscriptions"] = ["connect", "{topic}"]'))

    asyncio.run(run())


@OLD_ONES
def test_a_clash_ends_the_later_plugin_and_an_option_may_be_there_twice(
    make: MakePlugin, dialect: Dialect
) -> None:
    method = 'MANIFEST["rpcmethods"] = [{"name": "echo", "usage": "", "description": "d"}]\n'
    option = 'MANIFEST["options"] = [{"name": "o", "type": "string", "description": "d"}]\n'

    async def run() -> None:
        async with Host(dialect=dialect) as host:
            plugins = [
                make(method + option, "one.py"),
                make(method, "two.py"),
                make(option, "three.py"),
            ]
            running = await host.start_all([PluginSpec(path) for path in plugins])
            assert [plugin.name for plugin in running] == ["one.py", "three.py"]
            assert "'echo' is already taken by plugin 'one.py'" in host.remarks[0].message
            assert await host.call("echo") == {"result": "continue"}

    asyncio.run(run())


def test_in_2019_a_hook_has_one_plugin(make: MakePlugin) -> None:
    hook = 'MANIFEST["hooks"] = ["peer_connected"]'

    async def run() -> None:
        async with Host(dialect="2019") as host:
            specs = [PluginSpec(make(hook, "one.py")), PluginSpec(make(hook, "two.py"))]
            assert [plugin.name for plugin in await host.start_all(specs)] == ["one.py"]

    asyncio.run(run())


@pytest.mark.parametrize("where", ["manifest", "init"])
def test_in_2019_nobody_disables_himself(make: MakePlugin, where: str) -> None:
    body = (
        'MANIFEST["disable"] = "no"'
        if where == "manifest"
        else 'init = lambda m: {"disable": "no"}'
    )

    async def run() -> None:
        async with Host(dialect="2019") as host:
            plugin = await host.start(make(body))
            assert plugin.disabled is None
            assert host.plugins == [plugin]

    asyncio.run(run())


def test_the_daemon_of_2019_does_not_survive_a_plugin_with_a_hook(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["peer_connected"]\ndef answer(message):\n    sys.exit(0)\n'

    async def run() -> None:
        for dialect in ("2019", "2020"):
            async with Host(dialect=dialect) as host:
                await host.start(make(body))
                with pytest.raises(PluginDiedError):
                    await host.hook("peer_connected", {"peer": {}})
            stopped = await host.wait_stopped()
            assert stopped.failed == (dialect == "2019")

    asyncio.run(run())


WHERE = """
def init(message):
    log(os.getcwd())
    log(str(os.environ.get("LIGHTNINGD_VERSION")))
    log(json.dumps(message["params"]["options"]))
MANIFEST["options"] = [
    {"name": "unset", "type": "string", "description": "d"},
    {"name": "set", "type": "string", "description": "d", "default": "x"},
]
"""


@pytest.mark.parametrize("dialect", ["current", "2020", "2019"])
def test_where_a_plugin_runs_and_what_it_is_told(make: MakePlugin, dialect: Dialect) -> None:
    async def run() -> None:
        async with Host(dialect=dialect) as host:
            await host.start(make(WHERE))
            folder, version, options = [entry.message for entry in host.logs]
            inside = str(host.rpc_path.parent.resolve())
            assert folder == (str(Path.cwd()) if dialect == "2019" else inside)
            known = {"current": "v26.06.6", "2020": "v0.10.0", "2019": "None"}
            assert version == known[dialect]
            assert json.loads(options) == (
                {"unset": "", "set": "x"} if dialect == "2019" else {"set": "x"}
            )

    asyncio.run(run())


def test_what_the_daemon_of_2020_says(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(dialect="2020") as host:
            body = OLD.replace('"disconnect"]', '"warning"]')
            await host.start(make(body))
            host.notify("connect", {"id": "02"})
            host.notify("warning", {"level": "warn"})
            await host.wait_for_log('"warning"')
            said = [entry.message for entry in host.logs]
            assert said[0] == '{"jsonrpc":"2.0","id":0,"method":"getmanifest","params":{}}'
            assert '"startup":true,"network":"regtest","feature_set":' in said[1]
            assert said[2:] == [
                '{"jsonrpc":"2.0","method":"connect","params":{"id":"02"}}',
                '{"jsonrpc":"2.0","method":"warning","params":{"warning":{"level":"warn"}}}',
            ]

    asyncio.run(run())


def test_a_payment_is_refused_in_2020_by_the_answer_that_took_it_in_2019(make: MakePlugin) -> None:
    body = 'MANIFEST["hooks"] = ["invoice_payment"]\ndef answer(message):\n    return {}\n'

    async def run() -> None:
        async with Host(dialect="2020") as host:
            await host.start(make(body))
            await host.hook("invoice_payment", {"payment": {}})
            assert "refuses the payment" in host.remarks[0].message

    asyncio.run(run())


OWN = """#!/usr/bin/env python3
from clnwire import *
from clnwire.hooks import *

plugin = Plugin()
mine = plugin.topic("mine")

@plugin.on_init
def ready():
    plugin.log.trace("finer")
    plugin.disable("not today")

@plugin.hook("peer_connected")
def on_peer(event):
    return PeerDisconnect()

@plugin.hook("recover")
def on_recover(event):
    return CONTINUE

@plugin.subscribe("*")
def on_any(event: dict):
    pass

@plugin.method("ask")
def ask():
    return 1

plugin.run()
"""


@OLD_ONES
def test_a_plugin_of_ours_that_is_disabled(tmp_path: Path, dialect: Dialect) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)

    async def run() -> None:
        async with Host(dialect=dialect) as host:
            plugin = await host.start(path)
            said = [(entry.level, entry.message) for entry in host.logs]
            assert ("debug", "finer") in said
            assert plugin.manifest.subscriptions == []
            if dialect == "2020":
                assert plugin.disabled == "not today"
                return
            assert await host.hook("peer_connected", {"peer": {}}) == {"result": "continue"}
            with pytest.raises(RpcError, match="not today"):
                await host.call("ask")

    asyncio.run(run())
