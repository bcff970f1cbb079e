"""Notifications between several plugins, and those about the host itself."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from clnwire.host import Host, PluginSpec
from tests.host.raw import MakePlugin

HEARER = """
MANIFEST["subscriptions"] = SUBSCRIPTIONS
MANIFEST["rpcmethods"] = [{"name": METHOD, "usage": ""}]
heard = []
def notified(message):
    if message["method"] == "shutdown":
        sys.exit(0)
    heard.append(message["TEXT"])
def answer(message):
    return heard
"""
SPEAKER = """
MANIFEST["notifications"] = [{"method": "mine"}]
MANIFEST["rpcmethods"] = [{"name": "speak", "usage": ""}]
def answer(message):
    for entry in message["params"]:
        send(**entry)
    return {}
"""


def hearer(make: MakePlugin, name: str, *subscriptions: str) -> PluginSpec:
    """A plugin whose method of that name gives what it has heard."""
    body = HEARER.replace("SUBSCRIPTIONS", repr(list(subscriptions)))
    return PluginSpec(make(body.replace("METHOD", repr(name)), f"{name}.py"))


def log(level: str, message: str) -> dict[str, Any]:
    return {"method": "log", "params": {"level": level, "message": message}}


async def heard(host: Host, name: str) -> list[Any]:
    return [json.loads(text) for text in await host.call(name)]


def test_custom_topics_have_an_origin_and_keep_their_order(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            specs = [hearer(make, "some", "mine"), hearer(make, "all", "*", "mine")]
            await host.start_all([*specs, PluginSpec(make(SPEAKER, "speaker.py"))])
            sent = [{"method": "mine", "params": [number]} for number in range(5)]
            await host.call("speak", sent)
            expected = [
                {"jsonrpc": "2.0", "method": "mine", "origin": "speaker.py", "params": [number]}
                for number in range(5)
            ]
            assert await heard(host, "some") == expected
            every = [one for one in await heard(host, "all") if one["method"] == "mine"]
            assert every == [one for one in expected for _ in range(2)]

    asyncio.run(run())


def test_undeclared_topics_are_dropped_with_a_remark(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            specs = [hearer(make, "some", "yours", "connect"), hearer(make, "all", "*")]
            await host.start_all([*specs, PluginSpec(make(SPEAKER, "speaker.py"))])
            await host.call("speak", [{"method": "yours", "params": {}}])
            await host.call("speak", [{"method": "connect", "params": {"id": "02"}}])
            assert await heard(host, "some") == []
            assert {one["method"] for one in await heard(host, "all")} <= {
                "plugin_started",
                "warning",
            }
            remarks = [one.message for one in host.remarks if one.plugin == "speaker.py"]
            assert ["yours" in remarks[0], "connect" in remarks[1]] == [True, True]

    asyncio.run(run())


def test_starts_and_ends_of_plugins_are_announced(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            topics = ("plugin_started", "plugin_stopped")
            await host.start_all([hearer(make, "hears", *topics)])
            second = await host.start(make(SPEAKER, "speaker.py"))
            second.kill("test")
            await second.process.exited()
            event = {"plugin_name": "speaker.py", "plugin_path": str(second.path)}
            own, started, stopped = await heard(host, "hears")
            assert own["params"]["plugin_started"]["plugin_name"] == "hears.py"
            assert started["params"] == {"plugin_started": {**event, "methods": ["speak"]}}
            assert stopped["params"] == {"plugin_stopped": {**event, "methods": ["speak"]}}

    asyncio.run(run())


def test_a_plugin_that_never_ran_is_not_announced(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            bad = PluginSpec(make("def init(message):\n    sys.exit(1)", "bad.py"))
            await host.start_all([hearer(make, "hears", "plugin_stopped"), bad])
            assert await heard(host, "hears") == []

    asyncio.run(run())


def test_log_and_warning_are_fed_by_the_log(make: MakePlugin) -> None:
    lines: list[tuple[str, str, str]] = []

    async def run() -> None:
        async with Host(on_log=lambda *line: lines.append(line)) as host:
            specs = [hearer(make, "logs", "log"), hearer(make, "warnings", "warning")]
            await host.start_all([*specs, PluginSpec(make(SPEAKER, "speaker.py"))])
            await host.call("speak", [log("info", "a"), log("warn", "b"), log("error", "c")])
            logs = [one["params"]["log"] for one in await heard(host, "logs")]
            warnings = [one["params"]["warning"] for one in await heard(host, "warnings")]
            shown = [(one["level"], one["source"], one["log"]) for one in logs[-3:]]
            assert shown == lines[-3:]
            assert lines[-3:] == [
                ("info", "plugin-speaker.py", "a"),
                ("unusual", "plugin-speaker.py", "b"),
                ("broken", "plugin-speaker.py", "c"),
            ]
            assert [(one["level"], one["log"]) for one in warnings] == [
                ("warn", "b"),
                ("error", "c"),
            ]
            for one in (*logs, *warnings):
                assert list(one) == ["level", "time", "timestamp", "source", "log"]
                assert re.fullmatch(r"\d+\.\d{9}", one["time"])
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["timestamp"])

    asyncio.run(run())


def test_a_plugin_does_not_hear_its_own_log(make: MakePlugin) -> None:
    body = SPEAKER + '\nMANIFEST["subscriptions"] = ["log"]\n'
    body += "def notified(message):\n    log(message['TEXT'])"

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            await host.call("speak", [log("info", "once")])
            await host.call("speak", [])
            assert sum("once" in one.message for one in host.logs) == 1

    asyncio.run(run())


def test_remarks_about_a_plugin_are_warnings_too(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start_all([hearer(make, "warnings", "warning")])
            await host.start(make('MANIFEST["subscriptions"] = ["nothing"]', "odd.py"))
            (warning,) = await heard(host, "warnings")
            event = warning["params"]["warning"]
            assert event["source"] == "plugin-odd.py"
            assert event["log"] == "topic 'nothing' is not a known notification topic"

    asyncio.run(run())


def test_nothing_is_told_before_init(make: MakePlugin) -> None:
    """A plugin that is slow to answer `init` misses what happens meanwhile."""
    slow = 'MANIFEST["subscriptions"] = ["connect"]\ndef notified(message):\n    log("heard")\n'
    slow += 'def init(message):\n    while not os.path.exists("go"):\n        time.sleep(0.01)\n'

    async def run() -> None:
        async with Host() as host:
            await host.start_all([hearer(make, "hears", "connect")])
            start = asyncio.ensure_future(host.start(make(slow, "slow.py")))
            while not (len(host.plugins) == 2 and '"cln:init' in str(host.plugins[1].pending)):
                await asyncio.sleep(0.01)
            assert host.notify("connect", {"id": "02"}) == 1
            (host.rpc_path.parent / "go").touch()
            await start
            assert host.notify("connect", {"id": "02"}) == 2
            assert len(await heard(host, "hears")) == 2

    asyncio.run(run())
