"""The end of a plugin with handlers that wait: what finishes, what is cancelled, how long it takes;
and what runs in the background until then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.usefixtures("event_loop"), pytest.mark.process]

WAITER = """
    import asyncio
    plugin = Plugin(shutdown_seconds=SECONDS)

    @plugin.method("hold")
    async def wait(seconds: float) -> str:
        plugin.log("waiting")
        try:
            await asyncio.sleep(seconds)
            return "waited"
        finally:
            plugin.log("finally")

    @plugin.on_shutdown
    async def bye():
        plugin.log("bye")
"""


def start(plugin, seconds, shutdown_seconds):
    daemon = plugin(WAITER.replace("SECONDS", str(shutdown_seconds)))
    daemon.start()
    daemon.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hold", "params": [seconds]}))
    assert daemon.receive()["params"]["message"] == "waiting"
    return daemon


def end(daemon, how):
    if how == "end of input":
        daemon.process.stdin.close()
    elif how == "shutdown":
        daemon.notify("shutdown", {})
    else:
        daemon.signal(signal.SIGTERM)


ENDS = pytest.mark.parametrize("how", ["end of input", "shutdown", "SIGTERM"])


@ENDS
def test_a_handler_in_flight_finishes(plugin, how):
    daemon = start(plugin, 0.5, 20)
    end(daemon, how)
    assert daemon.reply()["result"] == "waited"
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert [line["message"] for line in daemon.logs] == ["finally", "bye"]


@pytest.mark.promise(
    "a handler still awaits after half of `shutdown_seconds`",
    "it is cancelled: its `finally` blocks run, and it is answered as a failure",
)
@ENDS
def test_one_that_takes_too_long_is_cancelled(plugin, how):
    daemon = start(plugin, 1000, 1)
    before = time.monotonic()
    end(daemon, how)
    assert "cancelled before it was done" in daemon.reply()["error"]["message"]
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert time.monotonic() - before > 0.4
    said = [line["message"] for line in daemon.logs]
    assert said[0] == "finally"
    assert said[-1] == "bye"


@ENDS
def test_one_that_will_not_be_cancelled_does_not_keep_the_plugin(plugin, how):
    daemon = plugin(
        """
        import asyncio
        plugin = Plugin(shutdown_seconds=0.6)

        @plugin.method("stay")
        async def stay():
            plugin.log("staying")
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    pass
        """
    )
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"stay"}')
    assert daemon.receive()["params"]["message"] == "staying"
    end(daemon, how)
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert "stay: did not end in time" in daemon.log_text()


def test_queued_notifications_are_handled_at_the_end_of_input(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.subscribe("a")
        async def handle(event: dict):
            await asyncio.sleep(0.01)
            plugin.log(str(event["n"]))
        """
    )
    daemon.start()
    for n in range(20):
        daemon.notify("a", {"n": n})
    assert daemon.hang_up() == 0
    assert [line["message"] for line in daemon.logs] == [str(n) for n in range(20)]


def test_a_hang_up_is_noticed_while_reading_pauses(plugin):
    daemon = plugin(
        """
        import asyncio
        plugin = Plugin(max_in_flight=1, shutdown_seconds=1)

        @plugin.method("hold")
        async def wait():
            plugin.log("waiting")
            try:
                await asyncio.sleep(1000)
            finally:
                plugin.log("finally")
        """
    )
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"hold"}{"jsonrpc":"2.0","id":2,"method":"hold"}')
    assert daemon.receive()["params"]["message"] == "waiting"
    assert daemon.hang_up() == 0
    assert [line["message"] for line in daemon.logs if line["level"] == "info"] == ["finally"]


def test_a_subscriber_of_shutdown_may_wait(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.subscribe("shutdown")
        async def on_shutdown(event):
            await asyncio.sleep(0.05)
            plugin.log("seen")

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    daemon.notify("shutdown", {})
    daemon.drain()
    assert daemon.process.wait(20) == 0
    assert [line["message"] for line in daemon.logs] == ["seen", "bye"]


# Background


def test_background_tasks_start_after_init_and_are_cancelled(plugin):
    daemon = plugin(
        """
        import asyncio

        @plugin.background
        async def tick():
            plugin.log(f"started {plugin.configuration.rpc_file}")
            try:
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(0.01)
                plugin.log("finally")

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.getmanifest()
    daemon.init()
    assert daemon.receive()["params"]["message"] == "started lightning-rpc"
    assert daemon.hang_up() == 0
    assert [line["message"] for line in daemon.logs] == ["finally", "bye"]


@pytest.mark.promise(
    "a background function fails",
    "an error in the log, and exit status 1 unless registered with `fatal=False`",
)
@pytest.mark.parametrize("head", ["async def", "def"])
@pytest.mark.parametrize("decorator", ["background", "background(fatal=False)"])
def test_a_background_function_that_fails(plugin, head, decorator):
    daemon = plugin(
        f"""
        @plugin.{decorator}
        {head} work():
            raise OSError("no disk")

        @plugin.method("hello")
        def hello():
            return "hello"

        @plugin.on_shutdown
        def bye():
            plugin.log("bye")
        """
    )
    daemon.start()
    fatal = "fatal" not in decorator
    if fatal:
        daemon.drain()
        assert daemon.process.wait(20) == 1
    else:
        deadline = time.monotonic() + 20
        while "Traceback" not in daemon.log_text() and time.monotonic() < deadline:
            assert daemon.call("hello") == "hello"
        assert daemon.hang_up() == 0
    assert "error background work: OSError: no disk" in daemon.log_text()
    assert "Traceback" in daemon.log_text()
    assert "info bye" in daemon.log_text()


def test_a_plain_background_function_does_not_keep_the_plugin(plugin):
    daemon = plugin(
        """
        import time

        @plugin.background
        def work():
            plugin.log("working")
            time.sleep(1000)
        """
    )
    daemon.start()
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info working"


# Back-pressure


def resident(pid: int) -> int:
    """The process's memory, in bytes."""
    with open(f"/proc/{pid}/statm") as statm:  # noqa: PTH123
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux's /proc")  # noqa: PTH110
@pytest.mark.parametrize("mode", ["async", "thread"])
def test_a_flood_of_notifications_keeps_memory_flat(plugin, mode):
    """Some 30 MB of them; a plugin that took all in would hold more than that."""
    head = "async def" if mode == "async" else "def"
    wait = "await asyncio.sleep(0)" if mode == "async" else "pass"
    daemon = plugin(
        f"""
        import asyncio
        seen = 0

        @plugin.subscribe("flood", thread={mode == "thread"})
        {head} handle(event: msgspec.Raw):
            global seen
            {wait}
            seen += 1

        @plugin.method("seen")
        def count() -> int:
            return seen
        """
    )
    daemon.start()
    message = {"jsonrpc": "2.0", "method": "flood", "params": {"flood": {"x": "y" * 500}}}
    batch = (json.dumps(message) + "\n\n").encode() * 1000
    daemon.write(batch * 5)
    before, most = 0, 0
    for n in range(45):
        daemon.write(batch)
        before = before or resident(daemon.process.pid)
        if n % 5 == 0:
            most = max(most, resident(daemon.process.pid))
    assert most - before < 8_000_000
    while (seen := daemon.call("seen")) < 50_000:
        assert seen >= 48_000, "no more than max_in_flight are taken in"
        time.sleep(0.01)


@pytest.mark.promise(
    "a flood of notifications for handlers that wait",
    "at most `max_in_flight` are taken in; the rest stays in the pipe",
)
def test_no_more_than_so_many_are_in_handlers(plugin):
    daemon = plugin(
        """
        import asyncio
        plugin = Plugin(max_in_flight=3)
        now, most = 0, 0

        @plugin.method("work")
        async def work() -> int:
            global now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return most
        """
    )
    daemon.start()
    for n in range(50):
        daemon.write(json.dumps({"jsonrpc": "2.0", "id": n, "method": "work"}))
    replies = [daemon.reply() for _ in range(50)]
    assert {reply["id"] for reply in replies} == set(range(50))
    assert max(reply["result"] for reply in replies) == 3


@pytest.mark.parametrize("kind", ["async ", ""])
@pytest.mark.parametrize("input_", ["file", "null"])
def test_input_that_is_no_pipe(tmp_path, kind, input_):
    """A file holds a whole conversation, and then ends."""
    source = f"""
        from clnwire import Plugin
        plugin = Plugin()
        @plugin.method("hello")
        {kind}def hello(name: str) -> str:
            return "Hello " + name
        plugin.run()
    """
    path = tmp_path / "plugin.py"
    path.write_text(textwrap.dedent(source))
    calls = [{"jsonrpc": "2.0", "id": "m", "method": "getmanifest", "params": {}}]
    init = {"options": {}, "configuration": {"lightning-dir": "/", "rpc-file": "rpc"}}
    calls.append({"jsonrpc": "2.0", "id": "i", "method": "init", "params": init})
    calls += [
        {"jsonrpc": "2.0", "id": n, "method": "hello", "params": [str(n)]} for n in range(3_000)
    ]
    given = tmp_path / "calls"
    given.write_text("\n\n".join(map(json.dumps, calls)))
    with (given if input_ == "file" else Path(os.devnull)).open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, path],
            stdin=stdin,
            env={**os.environ, "LIGHTNINGD_PLUGIN": "1"},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    replies = [json.loads(text) for text in done.stdout.split(b"\n\n") if text]
    answers = {each["id"]: each.get("result") for each in replies if "id" in each}
    if input_ == "file":
        assert [answers[n] for n in range(3_000)] == [f"Hello {n}" for n in range(3_000)]
