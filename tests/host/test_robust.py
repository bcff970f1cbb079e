"""What plugins do to each other and to the host: nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.host import Caller, Host, PluginSpec, journal
from clnwire.host.commands import unix_socket
from tests.host.raw import MakePlugin

pytestmark = pytest.mark.process

GOOD = 'MANIFEST["rpcmethods"] = [{"name": "good", "usage": ""}]\nMANIFEST["hooks"] = ["recover"]'
BAD = """
MANIFEST["rpcmethods"] = [{"name": "bad", "usage": ""}, {"name": "hang", "usage": ""}]
MANIFEST["hooks"] = ["recover"]
def handle(message, handle=handle):
    if message["method"] == "bad":
        misbehave()
    elif message["method"] != "hang":
        handle(message)
"""
KILLED: dict[str, tuple[str, str]] = {
    "dies": ("sys.exit(3)", "exited with status 3"),
    "killed": ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    "garbage": ('say("hello world")', "sent malformed JSON"),
    "no utf-8": (r'os.write(1, b"\"\xff\"")', "sent malformed JSON"),
    "half and gone": ('say(\'{"jsonrpc": "2.0", "id\'); sys.exit(4)', "exited with status 4"),
    "no jsonrpc": ("say('{}')", 'a message without "jsonrpc"'),
}


@pytest.mark.promise("a plugin misbehaves beside others", "it dies alone")
@pytest.mark.parametrize("kind", KILLED)
def test_a_bad_plugin_dies_alone(make: MakePlugin, kind: str) -> None:
    misbehaviour, reason = KILLED[kind]

    async def run() -> None:
        async with Host() as host:
            bad = await host.start(
                make(BAD + f"def misbehave():\n    {misbehaviour}", "bad.py"), important=False
            )
            good = await host.start(make(GOOD, "good.py"))
            pending = asyncio.ensure_future(host.call("hang"))
            with pytest.raises(RpcError, match=reason) as caught:
                await host.call("bad")
            assert caught.value.code == -4
            with pytest.raises(RpcError) as caught:
                await pending
            assert caught.value.code == -4
            with pytest.raises(RpcError) as caught:
                await host.call("bad")
            assert caught.value.code == -32601
            assert await host.call("good") == {"result": "continue"}
            assert await host.hook("recover", {}) == {"result": "continue"}
            await bad.process.exited(10)
            assert host.plugins == [good]

    asyncio.run(run())


BUSY: dict[str, str] = {
    "hangs": "time.sleep(600)",
    "half a frame": 'say(\'{"jsonrpc": "2.0", "id\'); time.sleep(600)',
    "floods the log": 'while True: log("x" * 1000)',
    "floods unknown topics": 'while True: send(method="mine", params={})',
    "floods unknown replies": "while True: send(id=5, result={})",
}


@pytest.mark.parametrize("kind", BUSY)
def test_a_busy_plugin_holds_nobody_up(make: MakePlugin, kind: str) -> None:
    async def run() -> list[int]:
        async with Host(shutdown_timeout=0.2) as host:
            bad = await host.start(make(BAD + f"def misbehave():\n    {BUSY[kind]}", "bad.py"))
            good = await host.start(make(GOOD, "good.py"))
            pending = asyncio.ensure_future(host.call("bad"))
            large = asyncio.ensure_future(host.call("hang", {"a": "b" * 1_000_000}))
            await asyncio.sleep(0.05)
            for _ in range(20):
                assert await host.call("good", timeout=20) == {"result": "continue"}
            await host.stop()
            for call in (pending, large):
                with pytest.raises(RpcError):
                    await call
            return [bad.pid, good.pid]

    for pid in asyncio.run(run()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_plugin_whose_child_goes_on_writing(make: MakePlugin) -> None:
    """What the child floods is not the plugin's any more; it must not keep the host busy."""
    body = """
    import subprocess
    MANIFEST["rpcmethods"] = [{"name": "leave", "usage": ""}]
    def answer(message):
        line = '{"jsonrpc":"2.0","method":"log","params":{"message":"flood"}}'
        for _ in range(2):
            subprocess.Popen(["yes", line], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        os._exit(5)
    """

    async def run() -> None:
        async with Host() as host:
            await host.start(make(body, "bad.py"))
            good = await host.start(make(GOOD, "good.py"))
            # Held up by the flood, neither would come to its end.
            with pytest.raises(RpcError, match="exited with status 5"):
                await host.call("leave")
            assert await host.call("good") == {"result": "continue"}
            assert host.plugins == [good]

    asyncio.run(run())


def test_a_start_that_is_given_up_leaves_nobody(make: MakePlugin) -> None:
    pids: list[int] = []

    async def run() -> None:
        async with Host(shutdown_timeout=0.1) as host:
            silent = make("def handle(message):\n    pass", "silent.py")
            specs = [PluginSpec(silent), PluginSpec(make("", "good.py"))]
            start = asyncio.ensure_future(host.start_all(specs))
            while len(host.plugins) < 2:
                await asyncio.sleep(0.01)
            pids.extend(plugin.pid for plugin in host.plugins)
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)

    asyncio.run(run())
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_first_to_hear_of_the_end_does_not_delay_the_others(make: MakePlugin) -> None:
    """All are told at the same time: each waits until the other has been."""
    body = """
    MANIFEST["subscriptions"] = ["shutdown"]
    def notified(message):
        mine, other = ("a", "b") if sys.argv[0].endswith("a.py") else ("b", "a")
        open(mine, "w").close()
        while not os.path.exists(other):
            time.sleep(0.01)
        sys.exit(0)
    """

    async def run() -> None:
        async with Host(shutdown_timeout=10) as host:
            plugins = [await host.start(make(body, name)) for name in ("a.py", "b.py")]
            await host.stop()
            assert [plugin.returncode for plugin in plugins] == [0, 0]

    asyncio.run(run())


SHELL = r"""#!/bin/sh
while read -r line; do
    [ -z "$line" ] && continue
    id=$(printf '%s' "$line" | sed -n -E 's/^\{"jsonrpc":"2\.0","id":("[^"]*"|[0-9]+).*/\1/p')
    [ -z "$id" ] && continue
    case "$line" in
        *'"method":"getmanifest"'*) result='{"options":[],"rpcmethods":
            [{"name":"shell","usage":"","description":"says that it is one"}]}' ;;
        *'"method":"init"'*) result='{}' ;;
        *) result='"a shell"' ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n\n' "$id" "$result"
done
"""

C = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *start = strstr(line, "\"id\":"), *end;
        if (!start) continue;
        start += 5;
        end = *start == '"' ? strchr(start + 1, '"') + 1 : start + strspn(start, "0123456789");
        const char *result = "\"compiled\"";
        if (strstr(line, "\"method\":\"getmanifest\""))
            result = "{\"options\":[],\"rpcmethods\":[{\"name\":\"compiled\",\"usage\":\"\","
                     "\"description\":\"says that it is\"}],\"hooks\":[\"peer_connected\"]}";
        else if (strstr(line, "\"method\":\"peer_connected\""))
            result = "{\"result\":\"disconnect\",\"error_message\":\"no\"}";
        int length = (int)(end - start);
        printf("{\"id\":%.*s,\"result\":%s,\"jsonrpc\":\"2.0\"}", length, start, result);
        fflush(stdout);
    }
    return 0;
}
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def compiled(folder: Path) -> Path:
    """A plugin in C; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler")
    (folder / "plugin.c").write_text(C)
    target = folder / "compiled"
    subprocess.run([compiler, "-o", target, folder / "plugin.c"], check=True)
    return target


@pytest.mark.parametrize("dialect", ["current", "2019"])
def test_plugins_in_three_languages(make: MakePlugin, tmp_path: Path, dialect: Any) -> None:
    python = 'MANIFEST["rpcmethods"] = [{"name": "python", "usage": "", "description": "d"}]\n'
    python += 'def answer(message):\n    return "a snake"'

    async def run() -> None:
        async with Host(dialect=dialect) as host:
            shell = written(tmp_path / "plugin.sh", SHELL)
            paths = [compiled(tmp_path), shell, make(python)]
            plugins = await host.start_all([PluginSpec(path) for path in paths])
            answers = [await host.call(name) for name in ("compiled", "shell", "python")]
            assert answers == ["compiled", "a shell", "a snake"]
            answer = await host.hook("peer_connected", {"peer": {}})
            assert answer == {"result": "disconnect", "error_message": "no"}
            await host.stop()
            assert [plugin.returncode for plugin in plugins] == [0, 0, 0]

    asyncio.run(run())


def test_a_plugin_that_logs_megabytes_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "KEPT_CHARACTERS", 10_000)
    book: journal.Journal[journal.LogEntry] = journal.Journal()
    for number in range(500):
        book.add(journal.LogEntry("a", "info", f"{number}:".ljust(1_000)))
        assert sum(len(entry.message) for entry in book) <= 20_000
        assert book[-1].message.startswith(f"{number}:")
    assert len(book) >= 10
    book.add(journal.LogEntry("a", "info", "x" * 50_000))
    assert [len(entry.message) for entry in book] == [50_000]
    book.add(journal.LogEntry("a", "info", "y"))
    assert book[-1].message == "y"


def test_each_wait_returns_another_entry_even_if_old_ones_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "KEPT", 4)
    book: journal.Journal[str] = journal.Journal()

    async def take() -> str:
        return await book.wait(lambda entry: entry.startswith("a"), 0)

    async def run() -> None:
        early = [asyncio.ensure_future(book.wait(lambda entry: True, None)) for _ in range(2)]
        await asyncio.sleep(0)
        for entry in ("a1", "a2", "b1", "a3", "b2", "a4", "a5", "a6"):
            book.add(entry)
        assert await asyncio.gather(*early) == ["a1", "a2"], "each entry goes to one wait"
        assert await take() == "a3"
        assert await book.wait(lambda entry: entry == "a6", 0) == "a6"
        book.add("a7")
        assert list(book) == ["b2", "a4", "a5", "a6", "a7"]
        assert [await take() for _ in range(3)] == ["a4", "a5", "a7"]
        with pytest.raises(TimeoutError):
            await take()

    asyncio.run(run())


def test_a_caller_that_does_not_read_is_not_buffered_for_ever(
    make: MakePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next commands wait, as lightningd's do; notices beyond the bound end it."""
    monkeypatch.setattr(unix_socket, "MOST_UNREAD_BYTES", 1 << 20)
    ran: list[int] = []

    def big(params: object) -> str:
        ran.append(1)
        return "x" * 300_000

    async def run() -> None:
        async with Host() as host:

            async def noisy(params: object, caller: Caller) -> object:
                try:
                    while True:
                        caller.notify("x" * 65_536)
                        await asyncio.sleep(0)
                finally:
                    ended.set()

            ended = asyncio.Event()
            await host.start(make(""))
            host.command("big")(big)
            host.command("noisy")(noisy)
            reader, writer = await asyncio.open_unix_connection(host.rpc_path, limit=1 << 16)
            call = '{"jsonrpc":"2.0","id":1,"method":"%s","params":{}}'
            for _ in range(1_000):
                writer.write((call % "big").encode())
            # Whoever else is there is served meanwhile.
            for _ in range(20):
                assert await host.call("getinfo")
                await asyncio.sleep(0.01)
            assert len(ran) < 20
            _, other = await asyncio.open_unix_connection(host.rpc_path, limit=1 << 16)
            on = '{"jsonrpc":"2.0","id":1,"method":"notifications","params":[true]}'
            other.write((on + call % "noisy").encode())
            await asyncio.wait_for(ended.wait(), 60)
            assert host.callers == 1
            writer.transport.abort()
            other.transport.abort()
            del reader

    asyncio.run(run())
