"""The host's own commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from clnwire import Plugin, RpcError
from clnwire.host import Host, PluginSpec
from tests.cli.terminal import short_folder
from tests.host.raw import MakePlugin
from tests.host.socket_caller import SocketCaller, calling

folder = pytest.fixture(short_folder)

GREETER = """
MANIFEST["rpcmethods"] = [{"name": "hello", "usage": "[name]", "description": "d"}]
MANIFEST["options"] = [
    {"name": "greeting", "type": "string", "description": "d", "default": "World"},
    {"name": "number", "type": "int", "description": "d", "dynamic": True},
    {"name": "many", "type": "string", "description": "d", "multi": True},
    {"name": "numbers", "type": "int", "description": "d", "multi": True},
    {"name": "on", "type": "flag", "description": "d"},
    {"name": "sure", "type": "bool", "description": "d", "default": True},
]
def answer(message):
    return {"got": message["TEXT"]}
"""


def talking(
    make: MakePlugin, talk: Callable[[Host, SocketCaller], Awaitable[None]], body: str = GREETER
) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(body), {"number": 16} if body == GREETER else None)
            async with calling(host) as caller:
                await talk(host, caller)

    asyncio.run(run())


def test_a_reply_of_tens_of_megabytes(make: MakePlugin) -> None:
    body = """
    MANIFEST["rpcmethods"] = [{"name": "large", "usage": ""}]
    def say(text):
        left = memoryview(text.encode())
        while left:
            left = left[os.write(1, left):]
    def answer(message):
        return "x" * 30_000_000
    """

    async def talk(host: Host, caller: SocketCaller) -> None:
        assert len((await caller.ask("large"))["result"]) == 30_000_000

    talking(make, talk, body)


def test_help_shows_usages(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        result = (await caller.ask("help"))["result"]
        commands = [entry["command"] for entry in result["help"]]
        assert commands == sorted(commands)
        assert {"hello [name]", "help [command]", "getinfo", "stop"} <= set(commands)
        assert result["format-hint"] == "simple"
        one = (await caller.ask("help", ["hello"]))["result"]
        assert one["help"] == [{"command": "hello [name]"}]
        assert (await caller.ask("help", ["none"]))["error"]["code"] == -32601

    talking(make, talk)


def test_commands_of_a_node_are_unknown(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        for name in ("listpeers", "pay", "none"):
            error = (await caller.ask(name))["error"]
            assert error == {"code": -32601, "message": f"Unknown command '{name}'"}

    talking(make, talk)


def test_a_caller_is_answered_whatever_fails(make: MakePlugin) -> None:
    """It would wait for ever: neither it nor the connection is told otherwise."""
    half = "\ud800"

    async def talk(host: Host, caller: SocketCaller) -> None:
        host.command("broken")(lambda params: params["none"])
        host.command("no json")(lambda _: {1j})
        for answer in (await caller.ask("broken"), await caller.ask("no json")):
            assert answer["error"]["code"] == -32603
        assert (await caller.ask("broken"))["error"]["message"] == "broken: KeyError: 'none'"
        assert host.remarks[-1].message.startswith("Traceback")
        assert host.remarks[-1].level == "broken"
        assert "error" in await caller.ask("help", [half])
        assert (await caller.ask("help", filter=half))["error"]["code"] == -32602
        assert "got" in (await caller.ask("hello", [half]))["result"]
        with pytest.raises(KeyError):
            await host.call("broken")

    talking(make, talk)


def test_listconfigs(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        path = str(host.plugin.path)
        configs = (await caller.ask("listconfigs"))["result"]["configs"]
        assert configs["network"] == {"value_str": "regtest", "source": "cmdline"}
        assert configs["plugin"] == {"values_str": [path], "sources": ["cmdline"]}
        shown = {name: entry for name, entry in configs.items() if entry.get("plugin") == path}
        assert {name: entry.pop("plugin") for name, entry in shown.items()}
        assert shown == {
            "greeting": {"value_str": "World", "source": "default"},
            "number": {"value_int": 16, "source": "cmdline", "dynamic": True},
            "many": {"values_str": [], "sources": []},
            "numbers": {"values_int": [], "sources": []},
            "on": {"set": False, "source": "default"},
            "sure": {"value_bool": True, "source": "default"},
        }
        one = (await caller.ask("listconfigs", {"config": "on"}))["result"]["configs"]
        assert list(one) == ["on"]
        assert "Unknown config" in (await caller.ask("listconfigs", ["x"]))["error"]["message"]

    talking(make, talk)


@pytest.mark.parametrize(
    ("spelled", "literal"),
    [("0x2a", "0x2a"), ("+7", "+7"), ("42", None), ("-42", None), ("052", None)],
)
def test_integers_that_lightningd_cannot_show(spelled: str, literal: str | None) -> None:
    plugin = Plugin()
    plugin.option("cap-int", type="int", dynamic=True)

    async def run() -> None:
        async with Host() as host:
            await host.start(plugin, {"cap-int": spelled})
            before = len(host.remarks)
            await host.call("listconfigs", ["network"])
            assert len(host.remarks) == before
            await host.call("listconfigs")
            await host.call("listconfigs", ["cap-int"])
            said = [entry.message for entry in host.remarks[before:]]
            if literal is None:
                assert said == []
            else:
                assert len(said) == 2
                assert f"ends here: Bad literal for --cap-int: {literal}; write" in said[0]
                assert f"--cap-int={int(spelled, 0)}" in said[0]
                await host.call("setconfig", ["cap-int", "1"])
                await host.call("listconfigs")
                assert len(host.remarks) == before + 2

    asyncio.run(run())


def test_listconfigs_conceals_as_lightningd() -> None:
    plugin = Plugin()
    plugin.option("key", type="string-conceal")
    plugin.option("token", "hidden", type="string-conceal", dynamic=True)
    plugin.option("tokens", type="string-conceal", multi=True)

    async def run() -> None:
        async with Host() as host:
            await host.start(plugin, {"tokens": ["hidden", "hidden"]})
            configs = (await host.call("listconfigs"))["configs"]
            assert configs["key"]["value_str"] == "..."
            assert configs["token"]["value_str"] == "..."
            assert configs["tokens"]["values_str"] == ["...", "..."]
            changed = await host.call("setconfig", ["token", "hidden"])
            assert changed["config"]["value_str"] == "..."

    asyncio.run(run())


def test_setconfig_is_seen_in_listconfigs(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        result = (await caller.ask("setconfig", ["number", 5]))["result"]
        expected = {"value_int": 5, "source": "setconfig", "dynamic": True}
        expected["plugin"] = str(host.plugin.path)
        assert result == {"config": {"config": "number", **expected}}
        listed = (await caller.ask("listconfigs", ["number"]))["result"]["configs"]
        assert listed["number"] == expected
        assert "val" in (await caller.ask("setconfig", ["number"]))["error"]["message"]
        assert "config" in (await caller.ask("setconfig"))["error"]["message"]

    talking(make, talk)


def test_check_without_the_plugin(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        for name in ("hello", "getinfo"):
            result = (await caller.ask("check", {"command_to_check": name}))["result"]
            assert result == {"command_to_check": name}
        assert host.remarks[-1].message == (
            "Plugin does not support check command for hello (id 1)"
        )
        error = (await caller.ask("check", ["none"]))["error"]
        assert error == {"code": -32601, "message": "Unknown command 'none'"}
        assert "command_to_check" in (await caller.ask("check"))["error"]["message"]

    talking(make, talk)


def test_check_reaches_who_can(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        params = {"command_to_check": "hello", "name": "x"}
        got = json.loads((await caller.ask("check", params))["result"]["got"])
        assert got["method"] == "check"
        assert got["params"] == params
        assert got["id"].startswith("1/cln:check#")
        assert (await host.call("check", params))["got"].count('"check"') == 1

    talking(
        make, talk, GREETER.replace("def answer", 'MANIFEST["cancheck"] = True\ndef answer') + " "
    )


def test_deprecations_are_told_before_each_request(make: MakePlugin) -> None:
    body = 'MANIFEST["subscriptions"] = ["deprecated_oneshot"]\nseen = []\n' + GREETER
    body += """
def notified(message, notified=notified):
    seen.append(message["params"])
    notified(message)
def answer(message):
    return list(seen)
"""

    async def talk(host: Host, caller: SocketCaller) -> None:
        assert (await caller.ask("hello"))["result"] == []
        assert (await caller.ask("deprecations", {"enable": True}))["result"] == {}
        told = {"deprecated_oneshot": {"deprecated_ok": True}}
        assert (await caller.ask("hello"))["result"] == [told]
        assert (await caller.ask("hello"))["result"] == [told, told]
        async with calling(host) as other:
            assert (await other.ask("hello"))["result"] == [told, told]
        await caller.ask("deprecations", [False])
        assert (await caller.ask("hello"))["result"] == [told, told]

    talking(make, talk, body)


def test_a_filter_trims_what_the_host_answers(make: MakePlugin) -> None:
    async def talk(host: Host, caller: SocketCaller) -> None:
        host.command("listpeers")({"peers": [{"id": "02", "n": [1]}, {"id": "03"}], "more": 1})

        async def ask(template: Any) -> Any:
            return await caller.ask("listpeers", filter=template)

        ids = {"peers": [{"id": True}]}
        assert (await ask(ids))["result"] == {"peers": [{"id": "02"}, {"id": "03"}]}
        assert (await ask({"more": True, "other": True}))["result"] == {"more": 1}
        odd = (await ask({"peers": {"id": True}, "more": [True]}))["result"]
        assert odd["warning_parameter_filter"] == "result.peers is not an object"
        assert len(odd["peers"]) == 2
        for bad in (True, [], {"peers": 1}, {"peers": []}, {"peers": [True, True]}):
            assert (await ask(bad))["error"]["code"] == -32602
        whole = (await caller.ask("hello", filter={"none": True}))["result"]
        assert '"filter": {"none": true}' in whole["got"]

    talking(make, talk)


def test_stop_ends_the_plugins_and_the_wait(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            plugin = await host.start(make('MANIFEST["subscriptions"] = ["shutdown"]'))
            async with calling(host) as caller:
                waiting = asyncio.ensure_future(host.wait_stopped())
                assert (await caller.ask("stop"))["result"] == "Shutdown complete"
            stopped = await waiting
            assert stopped.reason == "the command stop"
            assert not stopped.failed
            assert plugin.returncode == 0
        assert not host.rpc_path.exists()

    asyncio.run(run())


DYNAMIC = """
MANIFEST["dynamic"] = True
MANIFEST["options"] = [
    {"name": "greeting", "type": "string", "description": "d", "default": "World"},
    {"name": "on", "type": "flag", "description": "d"},
]
MANIFEST["rpcmethods"] = [{"name": "given", "usage": ""}]
def init(message):
    global given
    given = message["params"]
def answer(message):
    return given
"""


@pytest.mark.parametrize(
    "arguments",
    [
        {"greeting": "Hi", "on": True},
        {"options": ["greeting=Hi", "on"]},
    ],
)
def test_plugin_start_with_options(make: MakePlugin, arguments: Any) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make('MANIFEST["subscriptions"] = ["*"]', "first.py"))
            path = str(make(DYNAMIC, "dynamic.py"))
            with pytest.raises(RpcError, match="Extra parameters must be in object"):
                await host.call("plugin", ["start", path, "greeting=Hi"])
            params: Any = {"subcommand": "start", "plugin": path, **arguments}
            result = await host.call("plugin", params)
            assert result["command"] == "start"
            assert result["plugins"][1] == {"name": path, "active": True, "dynamic": True}
            given = await host.call("given")
            assert given["options"] == {"greeting": "Hi", "on": True}
            assert given["configuration"]["startup"] is False

    asyncio.run(run())


def test_plugin_stop_and_list(make: MakePlugin) -> None:
    listener = 'MANIFEST["subscriptions"] = ["plugin_stopped"]\n'
    listener += 'def notified(message):\n    log(message["TEXT"])\n'

    async def run() -> None:
        async with Host() as host:
            first = await host.start(make(listener, "first.py"))
            second = await host.start(make(DYNAMIC, "second.py"))
            with pytest.raises(RpcError, match=r"first\.py cannot be managed when"):
                await host.call("plugin", ["stop", "first.py"])
            with pytest.raises(RpcError, match="Could not find plugin none"):
                await host.call("plugin", ["stop", "none"])
            result = await host.call("plugin", {"subcommand": "stop", "plugin": "second.py"})
            assert result == {"command": "stop", "result": "Successfully stopped second.py."}
            assert second.returncode == 0
            entry = await host.wait_for_log("plugin_stopped")
            assert entry.message == (
                '{"jsonrpc":"2.0","method":"plugin_stopped","params":{"plugin_stopped":'
                f'{{"plugin_name":"second.py","plugin_path":"{second.path}","methods":["given"]}}}}}}'
            )
            listed = await host.call("plugin", ["list"])
            assert listed["plugins"] == [
                {"name": str(first.path), "active": True, "dynamic": False}
            ]
            with pytest.raises(RpcError, match="Unknown command 'given'"):
                await host.call("given")
            await host.call("plugin", ["start", str(second.path)])
            assert (await host.call("given"))["options"] == {"greeting": "World"}

    asyncio.run(run())


def test_plugin_start_keeps_what_the_user_has_set(make: MakePlugin, folder: Path) -> None:
    async def greeting(host: Host) -> tuple[str, str]:
        config = (await host.call("listconfigs", ["greeting"]))["configs"]["greeting"]
        assert (await host.call("given"))["options"] == {"greeting": config["value_str"]}
        return config["value_str"], config["source"]

    async def again(host: Host, **options: str) -> tuple[str, str]:
        path = host.plugins[-1].path
        await host.call("plugin", ["stop", str(path)])
        await host.call("plugin", {"subcommand": "start", "plugin": str(path), **options})
        return await greeting(host)

    async def run() -> None:
        async with Host(lightning_dir=folder) as host:
            await host.start_all([PluginSpec(make(DYNAMIC))], {"greeting": "Hi"})
            assert await greeting(host) == ("Hi", "cmdline")
            assert await again(host) == ("Hi", "cmdline")
            assert await again(host, greeting="Hello") == ("Hello", "pluginstart")
            assert await again(host) == ("Hi", "cmdline")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("", "Not a dynamic plugin"),
        ('MANIFEST["hooks"] = ["x"]', "there is no hook 'x'"),
        ("sys.exit(1)", "exited with status 1"),
        ('MANIFEST = {"disable": "no wallet"}', "disabled itself: no wallet"),
    ],
)
def test_plugin_start_that_fails(make: MakePlugin, body: str, match: str) -> None:
    async def run() -> None:
        async with Host() as host:
            first = await host.start(make("", "first.py"))
            with pytest.raises(RpcError, match=match) as caught:
                await host.call("plugin", ["start", str(make(body, "bad.py"))])
            assert caught.value.code == -3
            with pytest.raises(RpcError, match="already registered"):
                await host.call("plugin", ["start", str(first.path)])
            for params in ({}, ["fly"], ["start"]):
                with pytest.raises(RpcError) as caught:
                    await host.call("plugin", params)
                assert caught.value.code == -32602
            assert host.plugins == [first]

    asyncio.run(run())


def test_plugin_rescan_starts_what_is_new(make: MakePlugin, tmp_path: Path, folder: Path) -> None:
    plugins, other = folder / "plugins", tmp_path / "other"
    plugins.mkdir()
    other.mkdir()

    async def run() -> None:
        async with Host(lightning_dir=folder, plugin_dirs=[plugins]) as host:
            await host.start_all([PluginSpec(make("", "first.py"))])
            make(DYNAMIC, "new.py").rename(plugins / "new.py")
            make("sys.exit(1)", "bad.py").rename(plugins / "bad.py")
            (plugins / "notes.txt").write_text("no plugin")
            await host.call("plugin", ["rescan"])
            assert [plugin.name for plugin in host.plugins] == ["first.py", "new.py"]
            await host.call("plugin", ["rescan"])
            make('MANIFEST["dynamic"] = True', "other.py").rename(other / "other.py")
            await host.call("plugin", {"subcommand": "startdir", "directory": str(other)})
            assert [plugin.name for plugin in host.plugins][2:] == ["other.py"]
            with pytest.raises(RpcError, match="there is no folder /none"):
                await host.call("plugin", ["startdir", "/none"])
            assert any("exited with status 1" in entry.message for entry in host.remarks)

    asyncio.run(run())
