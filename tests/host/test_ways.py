"""Ways into a plugin and out of it: messages in pieces, groups of processes, kinds of faults."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from clnwire.host import Host, HostError, ManifestError, PluginDiedError
from tests.host.raw import MakePlugin
from tests.host.socket_caller import calling
from tests.host.test_output import TALKER

pytestmark = pytest.mark.process

READS = """
MANIFEST["rpcmethods"] = [{"name": "reads", "usage": ""}]
MANIFEST["subscriptions"] = ["connect"]
reads = []
def notified(message):
    pass
def messages():
    text, decoder = "", json.JSONDecoder()
    while data := os.read(0, 65536):
        reads.append(data.decode())
        text += data.decode()
        while text := text.lstrip():
            try:
                message, end = decoder.raw_decode(text)
            except ValueError:
                break
            yield message
            text = text[end:]
def answer(message):
    return reads
"""


def test_messages_go_out_as_they_are_cut(make: MakePlugin) -> None:
    async def run() -> Any:
        def cut(message: bytes) -> list[bytes]:
            half = len(message) // 2
            return [message[:half], message[half:]]

        async with Host(cut=cut) as host:
            await host.start(make(READS))
            return await host.call("reads")

    reads = asyncio.run(run())
    # The first message waits in the pipe until the plugin reads; the others come in halves.
    assert reads[-2:] == [
        '{"jsonrpc":"2.0","id":"cln:reads#',
        '3","method":"reads","params":{}}\n\n',
    ]
    assert "".join(reads[-4:-2]).startswith('{"jsonrpc":"2.0","id":"cln:init#2"')


def test_a_cut_may_hold_a_message_back(make: MakePlugin) -> None:
    async def run() -> Any:
        held: list[bytes] = []

        def cut(message: bytes) -> list[bytes]:
            held.append(message)
            if b'"connect"' in message:
                return []
            return [b"".join(held.pop(0) for _ in list(held))]

        async with Host(cut=cut) as host:
            await host.start(make(READS))
            host.notify("connect", {"id": "02"})
            return await host.call("reads")

    last = asyncio.run(run())[-1]
    assert last.index('"connect"') < last.index('"reads"')


def test_the_end_of_the_input_comes_after_the_last_piece(make: MakePlugin) -> None:
    body = """
    def ended():
        os.write(2, b"".join(parts))
    parts = []
    MANIFEST["subscriptions"] = ["connect"]
    def notified(message):
        parts.append(message["TEXT"].encode())
    """

    async def run(errors: Path) -> None:
        async with Host(cut=lambda message: [message[:9], message[9:19], message[19:]]) as host:
            with errors.open("wb") as file:
                plugin = await host.start(make(body), stderr=file)
            host.notify("connect", {"id": "02"})
            plugin.close()
            assert await plugin.process.exited(10) == 0

    errors = make("").parent / "errors"
    asyncio.run(run(errors))
    assert (
        errors.read_text()
        == '{"jsonrpc":"2.0","method":"connect","params":{"connect":{"id":"02"}}}'
    )


FORKS = """
import subprocess
child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
def init(message):
    log(str(child.pid))
    return {}
"""


@pytest.mark.parametrize("killed", [True, False])
def test_what_a_plugin_has_started_ends_with_it(make: MakePlugin, killed: bool) -> None:
    async def run() -> int:
        async with Host(own_groups=True) as host:
            plugin = await host.start(make(FORKS))
            child = int((await host.wait_for_log("")).message)
            os.kill(child, 0)
            if killed:
                plugin.kill("is not needed")
            return child

    child = asyncio.run(run())
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    """A process that nobody has fetched after its end does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", "malformed"),
        ("{}", "jsonrpc"),
        ('{"jsonrpc":"2.0","method":"x"}', "notification"),
        ('{"jsonrpc":"2.0","method":"log","params":{}}', "log"),
        ('{"jsonrpc":"2.0","method":"log","params":{"message":"","level":"x"}}', "level"),
        ('{"jsonrpc":"2.0","method":"message","params":{}}', "notice"),
    ],
)
def test_a_death_has_a_kind(make: MakePlugin, text: str, kind: str) -> None:
    async def run() -> PluginDiedError | None:
        async with Host() as host:
            plugin = await host.start(make(TALKER))
            with pytest.raises(Exception, match="terminated"):
                await host.call("talk", {"text": text})
            return plugin.death

    death = asyncio.run(run())
    assert death is not None
    assert death.kind == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("os.write(1, b'\"\\xff\"')", "encoding"),
        ("sys.exit(3)", "ended"),
        ("time.sleep(60)", "silent"),
    ],
)
def test_deaths_at_the_start(make: MakePlugin, body: str, kind: str) -> None:
    async def run() -> None:
        async with Host(manifest_timeout=2) as host:
            await host.start(make(body))

    with pytest.raises(PluginDiedError) as caught:
        asyncio.run(run())
    assert caught.value.kind == kind


def test_who_stays_and_who_is_not_wanted(make: MakePlugin) -> None:
    async def run() -> list[str]:
        async with Host(shutdown_timeout=0.3) as host:
            stays = await host.start(make("def ended():\n    time.sleep(60)", "stays.py"))
            unwanted = await host.start(make(name="unwanted.py"))
            unwanted.kill("is not needed")
        return [plugin.death.kind for plugin in (stays, unwanted) if plugin.death]

    assert asyncio.run(run()) == ["stayed", "unwanted"]


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ('"options": 5', "form"),
        ('"rpcmethods": [{"name": "getinfo", "usage": ""}]', "taken"),
        ('"notifications": [{"method": "connect"}]', "taken"),
        ('"hooks": ["recover", "recover"]', "twice"),
        ('"hooks": ["recovers"]', "unknown"),
    ],
)
def test_a_refused_manifest_has_a_kind(make: MakePlugin, manifest: str, problem: str) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(f"MANIFEST.update({{{manifest}}})"))

    with pytest.raises(ManifestError) as caught:
        asyncio.run(run())
    assert caught.value.problem == problem


REMARKABLE = """
MANIFEST["rpcmethods"] = [{"name": "go", "usage": ""}]
MANIFEST["subscriptions"] = ["conect"]
MANIFEST["hooks"] = ["rpc_command"]
def handle(message, handle=handle):
    if message["method"] == "go":
        send(id="nobody's", result={})
        send(method="mine", params={})
    handle(message)
def answer(message):
    return {}
"""


def test_remarks_have_kinds(make: MakePlugin) -> None:
    async def run() -> list[str]:
        async with Host() as host:
            await host.start(make(REMARKABLE))
            await host.call("go")
            return [remark.kind for remark in host.remarks]

    assert asyncio.run(run()) == ["subscription", "answer", "reply", "topic"]


CALLS = """
import socket
MANIFEST["hooks"] = ["db_write"]
path = ""
def init(message):
    global path
    configuration = message["params"]["configuration"]
    path = os.path.join(configuration["lightning-dir"], configuration["rpc-file"])
    return {}
def answer(message):
    if path:
        daemon = socket.socket(socket.AF_UNIX)
        daemon.connect(path)
        daemon.sendall(b'{"jsonrpc":"2.0","id":1,"method":"getinfo","params":{}}')
        daemon.recv(1)
    return {"result": "continue"}
"""


def test_the_commands_that_somebody_waits_for(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(hook_timeout=0.5) as host:
            await host.start(make(CALLS))
            assert host.commands_waiting == []
            with pytest.raises(TimeoutError):
                await host.db_write(["SELECT 1"])
            assert host.commands_waiting == ["getinfo"]
            # Now the daemon is free again.
            async with calling(host) as caller:
                assert "result" in await caller.ask("getinfo")

    asyncio.run(run())


def test_options_may_be_chosen_when_they_are_known(make: MakePlugin) -> None:
    body = """
    MANIFEST["options"] = [{"name": n, "type": "string", "description": ""} for n in "ab"]
    def init(message):
        log(json.dumps(message["params"]["options"]))
        return {}
    """

    async def run() -> str:
        async with Host() as host:
            plugin = await host.start(make(body), lambda known: {name: name * 2 for name in known})
            assert list(plugin.manifest.options) == ["a", "b"]
            return (await host.wait_for_log("")).message

    assert asyncio.run(run()) == '{"a": "aa", "b": "bb"}'

    async def wrong() -> None:
        async with Host() as host:
            await host.start(make(body), lambda known: {"c": "x"})

    with pytest.raises(HostError, match="has no option 'c'"):
        asyncio.run(wrong())
