"""Descriptors that run out, programs that are stopped, and clocks that jump."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.captures.recording import ECHO, RECORD, Recording, frames, message, script
from tests.daemon import Daemon
from tests.faults import record
from tests.faults.plugin import commands

pytestmark = pytest.mark.process
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

PLUGIN = """
import resource
from clnwire import Plugin

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
plugin = Plugin()

@plugin.method("limit")
def limit(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, HARD))

@plugin.method("echo")
def echo(text: str) -> str:
    return text

@plugin.method("large")
def large() -> str:
    return "x" * 30_000

@plugin.method("ask")
def ask() -> str:
    return plugin.rpc.call("echo", {"text": "asked"})["text"]

@plugin.every(0.05)
def tick() -> None:
    plugin.log("tick")

plugin.run()
"""
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* CLOCK_REALTIME jumps by ten years while a file is there. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    const char *later = getenv("CLOCK_LATER"), *earlier = getenv("CLOCK_EARLIER");
    if (clock == CLOCK_REALTIME && later && access(later, F_OK) == 0)
        time->tv_sec += 315360000;
    if (clock == CLOCK_REALTIME && earlier && access(earlier, F_OK) == 0)
        time->tv_sec -= 315360000;
    return result;
}
"""


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Daemon]:
    def started() -> Daemon:
        path = tmp_path / "plugin.py"
        path.write_text(PLUGIN)
        daemon = Daemon(path)
        daemon.getmanifest()
        daemon.init({}, **{"lightning-dir": str(tmp_path)})
        return daemon

    return started


def test_rounds_need_no_import_later() -> None:
    """An import opens files, so a plugin without descriptors would end at its first round."""
    program = """
import builtins
from clnwire import Plugin

plugin = Plugin()

@plugin.every(60)
def tick() -> None: ...

(background,) = plugin._definition.background_functions
builtins.__import__ = None
assert background.next_round() > 0
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.promise(
    "no descriptor is left",
    "the plugin answers; the host refuses a start and serves",
)
def test_a_plugin_without_descriptors_answers(start: Callable[..., Daemon], tmp_path: Path) -> None:
    with commands(tmp_path):
        daemon = start()
        try:
            # What is open stays so.
            daemon.call("limit", [3])
            refused = daemon.request("ask")["error"]["message"]
            assert "Too many open files" in refused
            assert daemon.call("echo", ["x"]) == "x"
            daemon.call("limit", [100])
            assert daemon.call("ask") == "asked"
            assert daemon.hang_up() == 0
        finally:
            daemon.close()


@pytest.mark.promise("no descriptor is left")
def test_a_host_without_descriptors_refuses_a_start_and_serves(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    source = textwrap.dedent(
        """
        import asyncio, resource
        from clnwire.host import Host, HostError

        async def main():
            async with Host() as host:
                await host.start("plugin.py")
                kept = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (3, kept[1]))
                try:
                    await host.start("plugin.py")
                except (HostError, OSError) as error:
                    print(error)
                print(await host.call("echo", ["still"]))
                resource.setrlimit(resource.RLIMIT_NOFILE, kept)
                print(await host.call("echo", ["again"]))

        asyncio.run(main())
        """
    )
    words = [sys.executable, "-c", source]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "Too many open files" in lines[0]
    assert lines[1:] == ["still", "again"]


@pytest.mark.promise(
    "the daemon or the plugin is stopped for a while",
    "it goes on where it was, and nothing is lost",
)
def test_either_side_is_stopped_and_goes_on(start: Callable[..., Daemon]) -> None:
    daemon = start()
    try:
        asked = b"".join(
            json.dumps(
                {"jsonrpc": "2.0", "id": number, "method": "echo", "params": ["x" * 500]}
            ).encode()
            + b"\n\n"
            for number in range(100)
        )
        # The plugin is stopped while the daemon writes; each of the pipe's ends has room for it.
        daemon.signal(signal.SIGSTOP)
        daemon.write(asked)
        daemon.signal(signal.SIGCONT)
        assert [daemon.reply()["id"] for _ in range(100)] == list(range(100))
        # The daemon does not read: the answers fill the pipe, and the plugin waits.
        for number in range(20):
            daemon.write(f'{{"jsonrpc":"2.0","id":{number},"method":"large"}}\n\n')
        daemon.signal(signal.SIGSTOP)
        daemon.signal(signal.SIGCONT)
        assert [daemon.reply()["id"] for _ in range(20)] == list(range(20))
        assert daemon.hang_up() == 0
    finally:
        daemon.close()


@contextmanager
def recorder(folder: Path) -> Generator[tuple[Recording, bytes]]:
    """A recorder that has begun, and messages to send to the plugin, which returns them; all are
    recorded at the end."""
    messages = [message(number, method="echo", params=["x" * 1_000]) for number in range(40)]
    with Recording(folder, script(folder, ECHO)) as proxy:
        assert proxy.exchange(messages[0], len(messages[0])) == messages[0]
        yield proxy, b"".join(messages[1:])
        proxy.stdin.close()
        assert (proxy.ended(), proxy.errors()) == (0, "")
    for direction in ("in", "out"):
        assert [one["id"] for one in frames(proxy.path, direction)] == list(range(40))


@ON_LINUX
@pytest.mark.parametrize("part", record.PARTS)
def test_a_part_of_the_recorder_is_stopped_and_goes_on(tmp_path: Path, part: str) -> None:
    with recorder(tmp_path) as (proxy, sent):
        pid = record.pid_of(proxy, part)
        # The pipe to the proxy has room for all; without the writer, they pass.
        os.kill(pid, signal.SIGSTOP)
        try:
            proxy.send(sent)
            if part == "writer":
                assert proxy.receive(len(sent)) == sent
        finally:
            os.kill(pid, signal.SIGCONT)
        if part == "proxy":
            assert proxy.receive(len(sent)) == sent


@ON_LINUX
@pytest.mark.parametrize("part", record.PARTS)
def test_the_recorder_without_descriptors_goes_on(tmp_path: Path, part: str) -> None:
    with recorder(tmp_path) as (proxy, sent):
        pid = record.pid_of(proxy, part)
        opened = 1 + max(int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened, opened))
        assert proxy.exchange(sent, len(sent)) == sent


@pytest.mark.parametrize("most", [4, 9, 16])
def test_the_recorder_starts_with_few_descriptors_or_says_why_not(
    tmp_path: Path, most: int
) -> None:
    words = [*RECORD, "-o", tmp_path / "capture.gz", "--", script(tmp_path, ECHO)]
    limited = ["sh", "-c", f'ulimit -n {most}; exec "$@"', "sh", *words]
    sent = message(1, method="echo")
    done = subprocess.run(limited, input=sent, capture_output=True, check=False)
    said = done.stderr.decode()
    if done.returncode == 0:
        assert done.stdout == sent
    else:
        # The first is the dynamic loader's.
        assert "Error 24" in said or "Too many open files" in said
        assert done.stdout == b""


def test_the_host_is_stopped_and_goes_on(tmp_path: Path) -> None:
    """The plugin fills the pipe to the host meanwhile, and waits."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    source = textwrap.dedent(
        """
        import asyncio, os, signal
        from clnwire.host import Host

        async def main():
            async with Host() as host:
                await host.start("plugin.py")
                calls = [asyncio.create_task(host.call("large")) for _ in range(20)]
                await asyncio.sleep(0)
                print("asked", flush=True)
                os.kill(os.getpid(), signal.SIGSTOP)
                print([len(answer) for answer in await asyncio.gather(*calls)])
                print(await host.call("echo", ["still"]))

        asyncio.run(main())
        """
    )
    words = [sys.executable, "-c", source]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == "asked\n"
        stopped, _ = os.waitpid(host.pid, os.WUNTRACED)
        assert stopped == host.pid
        host.send_signal(signal.SIGCONT)
        assert host.stdout.read() == f"{[30_000] * 20}\nstill\n"
    assert host.returncode == 0


@pytest.mark.promise("the wall clock jumps by ten years", "nobody notices")
@ON_LINUX
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_wall_clock_jumps(
    start: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clock.c").write_text(CLOCK)
    library = tmp_path / "clock.so"
    words = ["cc", "-shared", "-fPIC", "-o", library, tmp_path / "clock.c", "-ldl"]
    subprocess.run(words, check=True)
    later, earlier = tmp_path / "later", tmp_path / "earlier"
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_LATER", str(later))
    monkeypatch.setenv("CLOCK_EARLIER", str(earlier))
    with commands(tmp_path):
        daemon = start()
        monkeypatch.delenv("LD_PRELOAD")
        try:
            for jump in (later, earlier):
                jump.touch()
                for _ in range(3):
                    while daemon.receive().get("method") != "log":
                        pass
                assert daemon.call("ask") == "asked"
                jump.unlink()
                assert daemon.call("ask") == "asked"
            assert daemon.hang_up() == 0
            assert "has not returned" not in daemon.log_text()
        finally:
            daemon.close()
