"""Deadlocks that are known from practice, with a daemon that waits as lightningd does: what it is
asked in a hook or a method comes back to the very plugin that asks."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from clnwire.host import Host
from clnwire.testing import BlockingHost, RunPlugin

ASK = '''
#!/usr/bin/env python3
import asyncio, json
from clnwire import *
from clnwire.hooks import CONTINUE, RpcCommand, RpcCommandReturn

plugin = Plugin(shutdown_seconds=2)

async def ask(method, params=()):
    """Calls the daemon without blocking the loop: a connection a call."""
    folder = plugin.configuration
    reader, writer = await asyncio.open_unix_connection(f"{folder.lightning_dir}/{folder.rpc_file}")
    call = {"jsonrpc": "2.0", "id": method, "method": method, "params": list(params)}
    writer.write(json.dumps(call).encode())
    reply = json.loads(await reader.readuntil(b"\\n\\n"))
    writer.close()
    return reply.get("result", reply.get("error"))
'''

Talk = Callable[[Host], Coroutine[Any, Any, Any]]


@pytest.fixture
def with_host(
    tmp_path: Path, run_plugin: RunPlugin, clnwire_host: BlockingHost
) -> Callable[[str, Talk], Any]:
    """Gives what a talk with a plugin of this body gives."""

    def run(body: str, talk: Talk) -> Any:
        path = tmp_path / "asks.py"
        path.write_text(ASK.lstrip() + textwrap.dedent(body) + "\nplugin.run()\n")
        path.chmod(0o755)
        clnwire_host.answer("echo", echo)
        run_plugin(path)
        return clnwire_host.run(bounded(talk(clnwire_host.host)))

    return run


async def echo(params: Any) -> Any:
    await asyncio.sleep(0.01)
    return params


async def bounded(talking: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.wait_for(talking, 20)


def test_a_hook_that_awaits_a_command_which_triggers_the_same_hook(with_host):
    """The second event is served while the first one waits."""

    async def talk(host: Host) -> Any:
        answers = await asyncio.gather(*(host.call("echo", [n]) for n in range(20)))
        return answers, await host.call("depth")

    answers, depth = with_host(
        """
        inside = deepest = 0

        @plugin.hook("rpc_command", filters=["echo"])
        async def on_command(event: RpcCommand):
            global inside, deepest
            if event.rpc_command.params == ["inner"]:
                return CONTINUE
            inside += 1
            deepest = max(deepest, inside)
            assert await ask("echo", ["inner"]) == ["inner"]
            inside -= 1
            return CONTINUE

        @plugin.method("depth")
        def depth() -> int:
            return deepest
        """,
        talk,
    )
    assert answers == [[n] for n in range(20)]
    assert depth >= 1


@pytest.mark.parametrize("driver", ["blocking", "event loop"])
def test_the_same_with_a_threaded_hook_and_blocking_calls(with_host, driver):
    body = """
        @plugin.hook("rpc_command", filters=["echo"], thread=True)
        def on_command(event: RpcCommand):
            if event.rpc_command.params != ["inner"]:
                assert plugin.rpc.call("echo", ["inner"]) == ["inner"]
            return CONTINUE
        """
    if driver == "event loop":
        body += """
        @plugin.on_shutdown
        async def bye(): ...
        """

    async def talk(host: Host) -> Any:
        return await host.call("echo", [1])

    assert with_host(body, talk) == [1]


def test_a_slow_method_while_hooks_arrive(with_host):
    async def talk(host: Host) -> Any:
        slow = asyncio.create_task(host.call("slow"))
        await host.wait_for_log("slow has begun")
        for n in range(10):
            assert await host.call("echo", [n]) == [n]
        assert not slow.done()
        await host.call("end-slow")
        return await slow

    result = with_host(
        """
        ended = asyncio.Event()

        @plugin.hook("rpc_command", filters=["echo"])
        def on_command(event: RpcCommand):
            return CONTINUE

        @plugin.method("slow")
        async def slow() -> str:
            plugin.log("slow has begun")
            await ended.wait()
            return "slow"

        @plugin.method("end-slow")
        def end_slow():
            ended.set()
        """,
        talk,
    )
    assert result == "slow"


def test_a_command_during_init(with_host):
    """The hook of the plugin itself comes in before `init` is answered."""

    async def talk(host: Host) -> Any:
        return await host.call("learned")

    learned = with_host(
        """
        found = []

        @plugin.on_init
        async def ready():
            found.append(await ask("echo", ["from init"]))

        @plugin.hook("rpc_command", filters=["echo"])
        async def on_command(event: RpcCommand):
            await asyncio.sleep(0)
            found.append("hook")
            return CONTINUE

        @plugin.method("learned")
        def learned() -> list:
            return found
        """,
        talk,
    )
    assert learned[-1] == ["from init"]


def test_stop_called_from_a_handler(with_host):
    """The daemon answers when its plugins have ended, and this one waits for the answer: the
    handler is cancelled, and the plugin ends by itself."""

    async def talk(host: Host) -> Any:
        plugin = host.plugin
        call = asyncio.create_task(host.call("halt"))
        await host.wait_stopped()
        await host.stop()
        return await asyncio.gather(call, return_exceptions=True), plugin.returncode

    (outcome,), returncode = with_host(
        """
        @plugin.method("halt")
        async def halt():
            return await ask("stop")
        """,
        talk,
    )
    assert returncode == 0
    assert "cancelled before it was done" in str(outcome)
