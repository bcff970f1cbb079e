"""What a plugin sends unasked, and what it is killed for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Host, PluginDiedError, Stopped, TopicEntry
from tests.host.raw import MakePlugin

TALKER = """
MANIFEST["rpcmethods"] = [{"name": "talk", "usage": ""}, {"name": "hang", "usage": ""}]
MANIFEST["notifications"] = [{"method": "mine"}]
def handle(message, handle=handle):
    if message["method"] == "talk":
        say(message["params"]["text"])
    if message["method"] != "hang":
        handle(message)
"""

LONG = """
MANIFEST["rpcmethods"] = [{{"name": "talk", "usage": ""}}]
def answer(message):
    text = {character!r} * message["params"]["length"]
    say('{{"jsonrpc":"2.0","method":"log","params":{{"message":"%s"}}}}' % text)
    return {{}}
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello\n", "sent malformed JSON: expected a JSON value at byte"),
        ("hello\n", "of its output: 'hello"),
        ('{"jsonrpc":"2.0","id":5x}', "sent malformed JSON"),
        ('{"id":1,"result":{}}', 'sent a message without "jsonrpc"'),
        ("[]", 'sent a message without "jsonrpc"'),
        ("5 ", 'sent a message without "jsonrpc"'),
        ('{"jsonrpc":"2.0","method":"log"}', 'a notification without "params"'),
        ('{"jsonrpc":"2.0","params":{}}', 'a notification without "method"'),
        (
            '{"jsonrpc":"2.0","method":"log","params":{"level":"info"}}',
            'a log line without a string "message"',
        ),
        (
            '{"jsonrpc":"2.0","method":"log","params":{"message":5}}',
            'a log line without a string "message"',
        ),
        (
            '{"jsonrpc":"2.0","method":"log","params":["m"]}',
            'a log line without a string "message"',
        ),
        (
            '{"jsonrpc":"2.0","method":"log","params":{"message":"m","level":"loud"}}',
            "a log line of unknown level 'loud'",
        ),
        (
            '{"jsonrpc":"2.0","method":"message","params":{"message":"m"}}',
            'sent "message" without the id of a request',
        ),
        (
            '{"jsonrpc":"2.0","method":"progress","params":[1]}',
            'sent "progress" without the id of a request',
        ),
    ],
)
def test_deadly_output(make: MakePlugin, text: str, reason: str) -> None:
    """Everybody who waits gets the reason."""

    async def run() -> None:
        async with Host() as host:
            plugin = await host.start(make(TALKER))
            waiting = asyncio.ensure_future(host.call("hang"))
            listening = asyncio.ensure_future(host.wait_for_log("never"))
            with pytest.raises(RpcError) as caught:
                await host.call("talk", {"text": text})
            assert caught.value.code == -4
            assert reason in caught.value.message
            assert isinstance(plugin.death, PluginDiedError)
            with pytest.raises(RpcError, match="sent"):
                await waiting
            with pytest.raises(PluginDiedError, match="sent"):
                await listening
            assert await plugin.process.exited(5) == -9

    asyncio.run(run())


def test_a_closed_stdout_is_deadly(make: MakePlugin) -> None:
    body = TALKER + "\ndef say(text, say=say):\n    say(text) if text != 'CLOSE' else os.close(1)"

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            with pytest.raises(RpcError, match="before replying"):
                await host.call("talk", {"text": "CLOSE"})

    asyncio.run(run())


def talked(make: MakePlugin, text: str) -> Host:
    """A host whose plugin said this."""

    async def run() -> Host:
        async with Host() as host:
            await host.start(make(TALKER))
            await host.call("talk", {"text": text})
            return host

    return asyncio.run(run())


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "unusual", "broken"])
def test_log_levels(make: MakePlugin, level: str) -> None:
    params = {"level": level, "message": "m"}
    host = talked(make, json.dumps({"jsonrpc": "2.0", "method": "log", "params": params}))
    entry = host.logs[-1]
    assert (entry.plugin, entry.level, entry.message) == ("plugin.py", level, "m")


def test_a_log_line_without_level_is_info(make: MakePlugin) -> None:
    host = talked(make, '{"jsonrpc":"2.0","method":"log","params":{"message":"m"}}')
    assert host.logs[-1].level == "info"


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ('"a\\nb\\r\\n\\nc\x0cd\u2028e\\n"', ["a", "b\r", "", "c\x0cd\u2028e", ""]),
        ('"a\\nb\\u00e9"', ["a\nbé"]),
        ('"a\\nb\\\\u00e9"', ["a", "b\\u00e9"]),
    ],
)
def test_a_log_text_becomes_the_lines_that_lightningd_makes(
    make: MakePlugin, message: str, lines: list[str]
) -> None:
    params = '{"message":' + message.replace("\x0c", "\\f") + "}"
    host = talked(make, '{"jsonrpc":"2.0","method":"log","params":' + params + "}")
    assert [entry.message for entry in host.logs] == lines


@pytest.mark.parametrize("character", ["x", "é", '\\"', "\\u0001"])
def test_a_log_line_at_which_lightningd_aborts_ends_the_host(
    make: MakePlugin, character: str
) -> None:
    counted = 1 if character == '\\"' else len(character.encode())

    def remarks(length: int) -> tuple[list[str], Stopped | None]:
        async def run() -> tuple[list[str], Stopped | None]:
            async with Host() as host:
                await host.start(make(LONG.format(character=character)))
                await host.call("talk", {"length": length})
                said = [remark.message for remark in host.remarks if remark.kind == "line"]
                return said, await host.wait_stopped() if said else None

        return asyncio.run(run())

    most = (1 << 18) // counted
    assert remarks(most) == ([], None)
    (said,), stopped = remarks(most + 1)
    assert f"a line of {(most + 1) * counted} bytes" in said
    assert stopped is not None
    assert stopped.failed
    assert said in stopped.reason


def test_messages_need_no_separator(make: MakePlugin) -> None:
    line = '{"method":"log","params":{"message":"m"},"jsonrpc":"2.0"}'
    assert len(talked(make, line * 3).logs) == 3


def test_unknown_and_second_replies_are_ignored(make: MakePlugin) -> None:
    reply = '{"jsonrpc":"2.0","id":"cln:init#2","result":{}}'
    host = talked(make, reply + '{"jsonrpc":"2.0","id":77,"result":{}}')
    remarks = [entry.message for entry in host.remarks]
    assert remarks == [
        'there is no request with the id of this reply: "cln:init#2"',
        "there is no request with the id of this reply: 77",
    ]


def test_topics_that_were_announced(make: MakePlugin) -> None:
    host = talked(make, '{"jsonrpc":"2.0","method":"mine","params":[1, 2]}')
    assert host.notifications[:] == [TopicEntry("plugin.py", "mine", b"[1, 2]")]
    assert host.notifications[0].payload == [1, 2]


def test_topics_that_were_not(make: MakePlugin) -> None:
    host = talked(make, '{"jsonrpc":"2.0","method":"yours","params":{}}')
    assert not host.notifications
    assert "topic 'yours' is not in its manifest" in host.remarks[0].message


def test_a_notice_for_nobody_is_ignored(make: MakePlugin) -> None:
    text = '{"jsonrpc":"2.0","method":"progress","params":{"id":"x","num":0,"total":1}}'
    assert not talked(make, text).remarks


def test_waiting_for_what_comes_later(make: MakePlugin) -> None:
    text = '{"jsonrpc":"2.0","method":"mine","params":{}}'
    text += '{"jsonrpc":"2.0","method":"log","params":{"message":"well done"}}'

    async def run() -> None:
        async with Host() as host:
            await host.start(make(TALKER))
            waiting = asyncio.gather(
                host.wait_for_log("well"), host.wait_for_notification("mine", timeout=None)
            )
            await host.call("talk", {"text": text})
            log, topic = await waiting
            assert log.message == "well done"
            assert topic.payload == {}
            await host.call("talk", {"text": text.replace("well", "twice")})
            assert (await host.wait_for_log("done")).message == "twice done", "not the first again"
            with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
                await host.wait_for_log("never", timeout=0.05)

    asyncio.run(run())


def test_a_plugin_that_dies_while_others_wait(make: MakePlugin) -> None:
    body = TALKER + '\ndef say(text, say=say):\n    say(text) if text != "DIE" else sys.exit(2)'

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body))
            waiting = [asyncio.ensure_future(host.call("hang")) for _ in range(8)]
            listening = asyncio.ensure_future(host.wait_for_notification("mine"))
            await asyncio.sleep(0)
            outcomes: list[Any] = await asyncio.gather(
                host.call("talk", {"text": "DIE"}), *waiting, listening, return_exceptions=True
            )
            for error in outcomes[:-1]:
                assert isinstance(error, RpcError)
                assert error.code == -4
                assert "exited with status 2" in error.message
                assert "and 4 more" in error.message
            assert isinstance(outcomes[-1], PluginDiedError)
            with pytest.raises(RpcError, match=r"Unknown command 'talk'.*exited with status 2"):
                await host.call("talk", {"text": ""})

    asyncio.run(run())


def test_stderr_can_be_captured(make: MakePlugin, tmp_path: Path) -> None:
    async def run() -> None:
        with (tmp_path / "stderr").open("wb") as stderr:
            async with Host() as host:
                await host.start(make('sys.stderr.write("look")'), stderr=stderr)

    asyncio.run(run())
    assert (tmp_path / "stderr").read_text() == "look"


def test_a_cap_on_the_plugins_frames(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host(max_frame_bytes=300) as host:
            await host.start(make(TALKER))
            with pytest.raises(RpcError, match="sent malformed JSON"):
                await host.call("talk", {"text": json.dumps({"a": "b" * 300})})

    asyncio.run(run())
